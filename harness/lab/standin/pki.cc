#include "harness/lab/standin/pki.h"

#include <ctime>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "harness/base/json.h"
#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/token.h"

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

Status tokens(const Paths& paths, const Config& config) {
  TRY_ASSIGN(const std::string bundle, read_file(paths.tls() / "server-ca.crt"), "CA");
  std::string password;
  if (auto kept = read_file(paths.server() / "token")) {
    TRY_ASSIGN(const Token token, parse_token(*kept, "server"), "token on disk");
    password = token.password;
  } else if (!config.token.empty()) {
    TRY_ASSIGN(const Token token, parse_token(config.token, "server"), "token");
    password = token.password;
  } else {
    password = machine::random_hex(16);
  }
  const Token server{ca_hash(bundle), "server", password};
  const Token node{server.ca_hash, "node", password};
  TRY(write_file(paths.server() / "token", server.full() + "\n"), "token");
  TRY(write_file(paths.server() / "agent-token", node.full() + "\n"), "agent token");
  std::error_code ignored;
  fs::create_symlink(paths.server() / "token", paths.server() / "node-token", ignored);
  const std::string users =
      fmt::format("{0},node,node,rke2:agent\n{0},server,server,rke2:server\n", password);
  return write_file(paths.cred() / "passwd", users);
}

Status kubeconfigs(const Paths& paths, const Config& config) {
  const std::string ca = paths.tls() / "server-ca.crt";
  for (const auto& [file, pair] :
       std::map<std::string, std::string>{{"admin", "client-admin"},
                                          {"supervisor", "client-supervisor"},
                                          {"controller", "client-controller"},
                                          {"scheduler", "client-scheduler"},
                                          {"api-server", "client-kube-apiserver"}}) {
    const std::string stem = paths.tls() / pair;
    const std::string text = kubeconfig(kApiserver, ca, stem + ".crt", stem + ".key");
    TRY(write_file(paths.cred() / (file + ".kubeconfig"), text), file);
  }
  // The operator's copy carries its certificates in itself, so that it can be taken elsewhere.
  TRY_ASSIGN(const std::string bundle, read_file(ca), "CA");
  TRY_ASSIGN(const Pair admin, load_pair(paths.tls() / "client-admin"), "admin");
  const std::string text = fmt::format(
      "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {}\n    server: {}\n "
      " name: default\n"
      "contexts:\n- context:\n    cluster: default\n    user: default\n  name: "
      "default\ncurrent-context: default\n"
      "kind: Config\npreferences: {{}}\nusers:\n- name: default\n  user:\n    "
      "client-certificate-data: {}\n"
      "    client-key-data: {}\n",
      machine::base64(bundle),
      kApiserver,
      machine::base64(admin.certificate),
      machine::base64(admin.key));
  const unsigned mode =
      static_cast<unsigned>(std::strtoul(config.write_kubeconfig_mode.c_str(), nullptr, 8));
  return write_file(paths.admin_kubeconfig(), text, mode == 0 ? 0600 : mode);
}

}  // namespace

Result<Pair> load_pair(const fs::path& stem) {
  TRY_ASSIGN(std::string certificate, read_file(stem.string() + ".crt"), "certificate");
  TRY_ASSIGN(std::string key, read_file(stem.string() + ".key"), "key");
  return Pair{std::move(certificate), std::move(key)};
}

std::string kubeconfig(const std::string& server,
                       const std::string& ca_path,
                       const std::string& certificate_path,
                       const std::string& key_path) {
  return fmt::format(
      "apiVersion: v1\nclusters:\n- cluster:\n    server: {}\n    certificate-authority: {}\n  "
      "name: local\n"
      "contexts:\n- context:\n    cluster: local\n    namespace: default\n    user: user\n  name: "
      "Default\n"
      "current-context: Default\nkind: Config\npreferences: {{}}\nusers:\n- name: user\n  user:\n"
      "    client-certificate: {}\n    client-key: {}\n",
      server,
      ca_path,
      certificate_path,
      key_path);
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
  TRY(tokens(paths, config), "tokens");
  return kubeconfigs(paths, config);
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
