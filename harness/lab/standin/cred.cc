#include "harness/lab/standin/cred.h"

#include <cstdlib>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/pki.h"
#include "harness/lab/standin/token.h"

namespace harness::standin {

namespace fs = std::filesystem;
using machine::read_file;
using machine::write_file;

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

Status write_tokens(const Paths& paths, const Config& config) {
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

Status write_kubeconfigs(const Paths& paths, const Config& config) {
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
  TRY_ASSIGN(const x509::Pair admin, pki::load_pair(paths.tls() / "client-admin"), "admin");
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

}  // namespace harness::standin
