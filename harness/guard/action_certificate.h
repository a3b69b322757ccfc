// One of the node's own certificates replaced by one that ends soon, or has ended: the same key,
// names and extensions, signed by the node's own authority, whose key does not leave the node. The
// original comes back, unless RKE2 has renewed it meanwhile (swapped_file.h).
#pragma once

#include <functional>
#include <string>

#include "harness/guard/action_hold.h"

namespace harness::guard {

// what: etcd-server, etcd-peer, kube-apiserver, kubelet; "expires_in_s": 0 for ended already.
// Proved by what a handshake with the port shows. timed_out, and no harm that counts, when within
// the record's hold (at most 90 s) the port does not show it; the caller then puts the file back.
// `abandoned`: true once nobody waits for it any more.
Result<Deed> expire_certificate(const ArmRecord& record,
                                const Means& means,
                                const std::function<bool()>& abandoned);
Result<std::string> release_certificate(const Json& held, const Means& means);

// The first certificate of a PEM file, and what stands after it.
struct FirstCertificate {
  std::string pem;
  std::string rest;
};

Result<FirstCertificate> first_certificate(const std::string& text);

}  // namespace harness::guard
