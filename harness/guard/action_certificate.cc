#include "harness/guard/action_certificate.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>
#include <poll.h>

#include "harness/base/time.h"
#include "harness/guard/certificate_time.h"
#include "harness/guard/swapped_file.h"

namespace harness::guard {
namespace {

constexpr int kLookMs = 100;
constexpr std::chrono::milliseconds kToolLimit{10'000};
constexpr std::chrono::milliseconds kServedLimit{90'000};
constexpr std::string_view kKubelet = "kubelet";

struct Leaf {
  std::string_view what;
  std::string_view file;
  std::string_view authority;  // .crt and .key
  int port;
  std::string_view taken;  // what makes its process take a new file
};

constexpr std::string_view kByItself = "it takes a new file by itself, within a minute";

constexpr std::array kLeaves = {Leaf{"etcd-server",
                                     "server/tls/etcd/server-client.crt",
                                     "server/tls/etcd/server-ca",
                                     2379,
                                     kByItself},
                                Leaf{"etcd-peer",
                                     "server/tls/etcd/peer-server-client.crt",
                                     "server/tls/etcd/peer-ca",
                                     2380,
                                     kByItself},
                                Leaf{"kube-apiserver",
                                     "server/tls/serving-kube-apiserver.crt",
                                     "server/tls/server-ca",
                                     6443,
                                     kByItself},
                                Leaf{kKubelet,
                                     "agent/serving-kubelet.crt",
                                     "server/tls/server-ca",
                                     10250,
                                     "kubelet takes a new file when it starts"}};

Result<std::string> openssl(const Means& means,
                            std::vector<std::string> words,
                            const std::string& input) {
  words.insert(words.begin(), "openssl");
  TRY_ASSIGN(const Finished done, means.feed(words, input, kToolLimit), "openssl");
  if (done.ok()) {
    return done.out;
  }
  return fail(
      ErrorCode::remote_failed,
      fmt::format("openssl {}: {}", words[1], done.timed_out ? "no answer" : one_line(done.err)));
}

Result<std::string> end_of(const Means& means, const std::string& pem) {
  TRY_ASSIGN(const std::string said,
             openssl(means, {"x509", "-noout", "-enddate"}, pem),
             "read the certificate");
  const std::size_t equals = said.find('=');
  return said.substr(equals + 1, said.find('\n') - equals - 1);
}

Result<std::string> issued(const Means& means,
                           const Leaf& leaf,
                           const std::string& data_dir,
                           const FirstCertificate& old,
                           std::int64_t not_after) {
  const std::string authority = fmt::format("{}/{}", data_dir, leaf.authority);
  if (!there(authority + ".key")) {
    return fail(
        ErrorCode::not_supported,
        fmt::format(
            "{}.key is not on this node, so {} cannot be issued anew here", authority, leaf.file));
  }
  TRY_ASSIGN(
      const std::string der, openssl(means, {"x509", "-outform", "DER"}, old.pem), "read it");
  TRY_ASSIGN(const ToSign parts, with_not_after(der, not_after), "change its end");
  TRY_ASSIGN(const std::string signature,
             openssl(means, {"dgst", "-sha256", "-sign", authority + ".key"}, parts.body),
             "sign it");
  TRY_ASSIGN(
      std::string pem,
      openssl(means, {"x509", "-inform", "DER", "-outform", "PEM"}, assembled(parts, signature)),
      "write it");
  TRY(openssl(means, {"verify", "-no_check_time", "-CAfile", authority + ".crt"}, pem),
      "verify it");
  return pem;
}

// The certificate that the port shows; an error when there is no handshake.
Result<std::string> served(const Means& means, int port) {
  // A handshake that asks for a client's certificate fails in the end, and has shown its own.
  TRY_ASSIGN(
      const Finished shown,
      means.feed(
          {"openssl", "s_client", "-connect", fmt::format("127.0.0.1:{}", port)}, "", kToolLimit),
      "openssl");
  TRY_ASSIGN(const FirstCertificate first, first_certificate(shown.out), "handshake");
  return first.pem;
}

Result<std::string> served_end(const Means& means, int port) {
  TRY_ASSIGN(const std::string pem, served(means, port), "look");
  return end_of(means, pem);
}

// As the fault kill-kubelet does it: rke2 starts another within seconds.
Result<Deed> end_kubelet(const std::string& unit, const Means& means) {
  ArmRecord record;
  record.unit = unit;
  record.action = {.kind = Action::Kind::child, .how = "kill", .object = std::string(kKubelet)};
  return strike_child(record, means);
}

// Until no process goes on showing what the file held before; what was done for that.
Result<std::string> await_unserved(const Json& held,
                                   const Means& means,
                                   std::chrono::milliseconds limit) {
  const std::string path = json_string(held, "path");
  const auto leaf = std::ranges::find_if(
      kLeaves, [&](const Leaf& one) { return path.ends_with(fmt::format("/{}", one.file)); });
  const auto ours = first_certificate(json_string(held, "ours"));
  if (leaf == kLeaves.end() || !ours) {
    return std::string();
  }
  // Without a handshake it is not shown either: the undo waits for nobody who is down.
  const auto shows_ours = [&] { return served(means, leaf->port).value_or("") == ours->pem; };
  const Deadline deadline = Deadline::after(limit);
  std::string done;
  while (shows_ours()) {
    if (leaf->what == kKubelet && done.empty()) {
      const auto ended = end_kubelet(json_string(held, "unit"), means);
      done = fmt::format("; kubelet still showed ours: {}",
                         ended ? json_string(ended->evidence, "summary") + ", rke2 starts another"
                               : ended.error().message());
      continue;
    }
    if (deadline.passed() && leaf->taken == kByItself) {
      return fmt::format("; port {} still shows ours, and {}", leaf->port, leaf->taken);
    }
    if (deadline.passed()) {
      return fail(ErrorCode::timed_out,
                  fmt::format("{} is back, but after {} s port {} still shows the certificate of "
                              "the fault ({}){}; end the process that listens there, which is "
                              "started again, then `hookshot heal`",
                              path,
                              limit.count() / 1000,
                              leaf->port,
                              leaf->taken,
                              done));
    }
    static_cast<void>(::poll(nullptr, 0, kLookMs));
  }
  return fmt::format("{}; port {} does not show ours", done, leaf->port);
}

}  // namespace

std::vector<std::string> certificate_files() {
  std::vector<std::string> out;
  for (const Leaf& leaf : kLeaves) {
    out.push_back(fmt::format("/{}", leaf.file));
  }
  return out;
}

Result<FirstCertificate> first_certificate(const std::string& text) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----\n";
  const std::size_t begin = text.find(kBegin);
  const std::size_t end = begin == std::string::npos ? begin : text.find(kEnd, begin);
  if (end == std::string::npos) {
    return fail(ErrorCode::remote_failed, "there is no certificate in it");
  }
  const std::size_t after = end + kEnd.size();
  return FirstCertificate{.pem = text.substr(begin, after - begin), .rest = text.substr(after)};
}

Result<Deed> expire_certificate(const ArmRecord& record,
                                const Means& means,
                                const std::function<bool()>& abandoned) {
  const auto leaf = std::ranges::find(kLeaves, record.action.object, &Leaf::what);
  if (leaf == kLeaves.end()) {
    return fail(ErrorCode::internal, "no certificate is called " + record.action.object);
  }
  const std::string path = fmt::format("{}/{}", record.data_dir, leaf->file);
  TRY_ASSIGN(const std::string before, read_whole(path, kSwapLimit), "certificate");
  TRY_ASSIGN(const FirstCertificate old, first_certificate(before), path);
  const std::int64_t in = record.action.amounts.at("expires_in_s");
  const std::int64_t not_after = std::time(nullptr) + (in == 0 ? -1 : in);
  TRY_ASSIGN(const std::string pem,
             issued(means, *leaf, record.data_dir, old, not_after),
             "issue " + path);
  const Json more = {{"kind", "certificate"}, {"unit", record.unit}};
  TRY_ASSIGN(Deed deed,
             swap_file(path, before, pem + old.rest, more, means, Swap::in_place),
             "certificate");
  TRY_ASSIGN(const std::string was, end_of(means, old.pem), "read back");
  TRY_ASSIGN(const std::string ends, end_of(means, pem), "read back");
  const auto look = [&] { return served_end(means, leaf->port).value_or("no handshake"); };
  const std::chrono::milliseconds limit = std::min(record.action.hold, kServedLimit);
  const Deadline deadline = Deadline::after(limit);
  std::string shown = look();
  while (shown != ends && !deadline.passed() && !abandoned()) {
    static_cast<void>(::poll(nullptr, 0, kLookMs));
    shown = look();
  }
  if (shown != ends) {
    return fail(ErrorCode::timed_out,
                fmt::format("{} was written to end at {}, but for {} s port {} went on to show "
                            "'{}': {}",
                            path,
                            ends,
                            limit.count() / 1000,
                            leaf->port,
                            shown,
                            leaf->taken));
  }
  deed.effect = now();
  deed.evidence = {
      {"how", "expire"},
      {"path", path},
      {"not_after_before", was},
      {"not_after", ends},
      {"served_not_after", shown},
      {"served", true},
      {"summary",
       fmt::format("{} ends at {} (was {}), and port {} shows it", path, ends, was, leaf->port)}};
  return deed;
}

Result<std::string> release_certificate(const Json& held,
                                        const Means& means,
                                        std::chrono::milliseconds limit) {
  TRY_ASSIGN(
      const std::string back, release_swapped(held, means, [] { return false; }), "certificate");
  // A boot puts it back before rke2 begins, and must not keep rke2 waiting.
  const bool this_boot = json_string(held, "boot_id") == boot_id();
  TRY_ASSIGN(const std::string said,
             await_unserved(held, means, this_boot ? limit : std::chrono::milliseconds(0)),
             "handshake");
  return back + said;
}

}  // namespace harness::guard
