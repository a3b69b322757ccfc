// One of the node's own certificates replaced by one that ends soon, or has ended: the same key,
// names and extensions, signed by the node's own authority, whose key does not leave the node. The
// original comes back, unless RKE2 has renewed it meanwhile (swapped_file.h), and with it what the
// port shows.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "harness/guard/action_hold.h"

namespace harness::guard {

// what: etcd-server, etcd-peer, kube-apiserver, kubelet; "expires_in_s": 0 for ended already.
// Proved by what a handshake with the port shows. timed_out, and no harm that counts, when within
// the record's hold (at most 90 s) the port does not show it; the caller then puts the file back.
// `abandoned`: true once nobody waits for it any more.
Result<Deed> expire_certificate(const ArmRecord& record,
                                const Means& means,
                                const std::function<bool()>& abandoned);

// Puts the file back and waits until the port does not show our certificate any more. A kubelet
// that has loaded ours is ended, which rke2 starts anew: timed_out, with the file back, when ours
// is still shown after the limit. etcd takes the file at once and kube-apiserver within a minute,
// both by themselves: longer than the limit nothing waits for that one, since the node's lock is
// held. A port without a handshake shows nothing. After a reboot it looks once and waits for
// nothing.
inline constexpr std::chrono::milliseconds kUnservedLimit{12'000};
Result<std::string> release_certificate(const Json& held,
                                        const Means& means,
                                        std::chrono::milliseconds limit = kUnservedLimit);

// The files that it may replace, below the data directory: "/agent/serving-kubelet.crt".
std::vector<std::string> certificate_files();

// The first certificate of a PEM file, and what stands after it.
struct FirstCertificate {
  std::string pem;
  std::string rest;
};

Result<FirstCertificate> first_certificate(const std::string& text);

}  // namespace harness::guard
