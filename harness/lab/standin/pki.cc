#include "harness/lab/standin/pki.h"

#include <ctime>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "harness/base/json.h"
#include "harness/lab/standin/cred.h"
#include "harness/lab/standin/machine.h"

namespace harness::standin::pki {

namespace {

namespace fs = std::filesystem;
using machine::read_file;
using machine::write_file;
using x509::Pair;
using x509::Profile;

constexpr const char* kMasters = "system:masters";

Status save(const fs::path& stem, const Pair& pair) {
  TRY(write_file(stem.string() + ".crt", pair.certificate, 0644), "certificate");
  return write_file(stem.string() + ".key", pair.key, 0600);
}

Result<Pair> authority(const fs::path& stem, const std::string& name) {
  if (auto pair = load_pair(stem)) {
    return pair;
  }
  TRY_ASSIGN(
      const Pair ca, x509::make_ca(fmt::format("rke2-{}@{}", name, std::time(nullptr))), name);
  TRY(save(stem, ca), name);
  return ca;
}

// Keeps the pair on disk while it is good for the build's renewal limit.
Status ensure(const fs::path& stem, const Pair& ca, const Profile& profile, int renewal_days) {
  const auto present = load_pair(stem);
  if (present && x509::still_good(present->certificate, ca, renewal_days, profile.alternatives)) {
    return {};
  }
  TRY_ASSIGN(const Pair fresh, x509::issue(ca, profile), stem.filename().string());
  return save(stem, fresh);
}

Profile client(const std::string& name, std::vector<std::string> organizations = {}) {
  return Profile{.subject = {name, std::move(organizations)}, .alternatives = {}};
}

Profile both(const std::string& name, std::vector<std::string> alternatives) {
  return Profile{.subject = {name, {}},
                 .alternatives = std::move(alternatives),
                 .client = true,
                 .server = true};
}

std::vector<std::string> serving_names(const Config& config) {
  std::vector<std::string> names = {"kubernetes",
                                    "kubernetes.default",
                                    "kubernetes.default.svc",
                                    "kubernetes.default.svc.cluster.local",
                                    "localhost",
                                    config.node_name,
                                    "127.0.0.1",
                                    config.node_ip,
                                    kServiceAddress};
  names.insert(names.end(), config.tls_san.begin(), config.tls_san.end());
  return names;
}

}  // namespace

Result<Pair> load_pair(const fs::path& stem) {
  TRY_ASSIGN(std::string certificate, read_file(stem.string() + ".crt"), "certificate");
  TRY_ASSIGN(std::string key, read_file(stem.string() + ".key"), "key");
  return Pair{std::move(certificate), std::move(key)};
}

Status prepare_server(const Paths& paths, const Config& config, const Build& build) {
  const fs::path tls = paths.tls();
  const int days = build.renewal_days();
  TRY_ASSIGN(const Pair clients, authority(tls / "client-ca", "client-ca"), "CA");
  TRY_ASSIGN(const Pair servers, authority(tls / "server-ca", "server-ca"), "CA");
  TRY_ASSIGN(const Pair headers, authority(tls / "request-header-ca", "request-header-ca"), "CA");
  TRY_ASSIGN(const Pair etcd, authority(tls / "etcd/server-ca", "etcd-server-ca"), "CA");
  TRY_ASSIGN(const Pair peers, authority(tls / "etcd/peer-ca", "etcd-peer-ca"), "CA");

  const std::vector<std::string> etcd_names = {
      config.node_name, "localhost", "127.0.0.1", config.node_ip};
  TRY(ensure(tls / "client-admin", clients, client("system:admin", {kMasters}), days),
      "certificates");
  TRY(ensure(
          tls / "client-supervisor", clients, client("system:rke2-supervisor", {kMasters}), days),
      "certificates");
  TRY(ensure(tls / "client-controller", clients, client("system:kube-controller-manager"), days),
      "certificates");
  TRY(ensure(tls / "client-scheduler", clients, client("system:kube-scheduler"), days),
      "certificates");
  TRY(ensure(tls / "client-kube-apiserver", clients, client("system:apiserver", {kMasters}), days),
      "certificates");
  TRY(ensure(tls / "client-auth-proxy", headers, client("system:auth-proxy"), days),
      "certificates");
  TRY(ensure(tls / "serving-kube-apiserver",
             servers,
             both("kube-apiserver", serving_names(config)),
             days),
      "certificates");
  TRY(ensure(tls / "etcd/server-client", etcd, both("etcd-server", etcd_names), days),
      "certificates");
  TRY(ensure(tls / "etcd/peer-server-client", peers, both("etcd-peer", etcd_names), days),
      "certificates");
  TRY(ensure(tls / "etcd/client", etcd, client("etcd-client"), days), "certificates");
  if (!fs::exists(tls / "service.key")) {
    TRY_ASSIGN(const std::string key, x509::make_rsa_key(), "service account key");
    TRY(write_file(tls / "service.key", key), "service account key");
  }
  TRY(write_tokens(paths, config), "tokens");
  return write_kubeconfigs(paths, config);
}

Result<std::string> sign_for_node(const Paths& paths,
                                  const std::string& kind,
                                  const std::string& node_name,
                                  const std::string& node_ip,
                                  const std::string& request) {
  Profile profile;
  std::string ca = "client-ca";
  if (kind == "client-kubelet") {
    profile = client("system:node:" + node_name, {"system:nodes"});
  } else if (kind == "serving-kubelet") {
    profile = both(node_name, {node_name, "localhost", "127.0.0.1", node_ip});
    ca = "server-ca";
  } else if (kind == "client-rke2-controller") {
    profile = client("system:rke2-controller");
  } else if (kind == "client-kube-proxy") {
    profile = client("system:kube-proxy");
  } else {
    return fail(ErrorCode::invalid_input, fmt::format("no certificate of the kind '{}'", kind));
  }
  TRY_ASSIGN(const Pair pair, load_pair(paths.tls() / ca), "CA");
  return x509::sign_request(pair, profile, request);
}

Status prepare_agent(const Paths& paths,
                     const Config& config,
                     const Build& build,
                     const std::string& apiserver,
                     Issuer& issuer) {
  const fs::path agent = paths.agent();
  for (const char* kind : {"client-ca", "server-ca"}) {
    TRY_ASSIGN(const std::string bundle, issuer.authority(kind), kind);
    TRY(write_file(agent / (std::string(kind) + ".crt"), bundle, 0644), kind);
  }
  for (const char* kind :
       {"client-kubelet", "serving-kubelet", "client-rke2-controller", "client-kube-proxy"}) {
    const fs::path stem = agent / kind;
    const bool serving = std::string_view(kind).starts_with("serving");
    TRY_ASSIGN(const std::string bundle,
               read_file(agent / (serving ? "server-ca.crt" : "client-ca.crt")),
               kind);
    const std::vector<std::string> names =
        serving ? std::vector<std::string>{config.node_name, config.node_ip}
                : std::vector<std::string>{};
    const auto present = load_pair(stem);
    if (present &&
        x509::still_good(present->certificate, Pair{bundle, ""}, build.renewal_days(), names)) {
      continue;
    }
    TRY_ASSIGN(const std::string key, x509::make_key(), kind);
    TRY_ASSIGN(const std::string request, x509::make_request(key), kind);
    TRY_ASSIGN(const std::string certificate, issuer.certificate(kind, request), kind);
    TRY(save(stem, Pair{certificate, key}), kind);
  }
  const std::string ca = agent / "server-ca.crt";
  for (const auto& [file, kind] :
       std::map<std::string, std::string>{{"kubelet", "client-kubelet"},
                                          {"rke2controller", "client-rke2-controller"},
                                          {"kubeproxy", "client-kube-proxy"}}) {
    const std::string stem = agent / kind;
    const std::string text = kubeconfig(apiserver, ca, stem + ".crt", stem + ".key");
    TRY(write_file(agent / (file + ".kubeconfig"), text), file);
  }
  return {};
}

Result<Pair> supervisor_certificate(const Paths& paths, const Config& config, const Build& build) {
  const fs::path file = paths.tls() / "dynamic-cert.json";
  TRY_ASSIGN(const Pair ca, load_pair(paths.tls() / "server-ca"), "CA");
  const auto names = serving_names(config);
  if (auto text = read_file(file)) {
    if (auto json = parse_json(*text)) {
      const Pair kept{json_string(*json, "tls.crt"), json_string(*json, "tls.key")};
      if (x509::still_good(kept.certificate, ca, build.renewal_days(), names)) {
        return kept;
      }
    }
  }
  TRY_ASSIGN(const Pair fresh, x509::issue(ca, both("rke2", names)), "supervisor certificate");
  TRY(write_file(file, Json{{"tls.crt", fresh.certificate}, {"tls.key", fresh.key}}.dump()),
      "supervisor certificate");
  return fresh;
}

}  // namespace harness::standin::pki
