#include <filesystem>

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "harness/lab/standin/etcd.h"

namespace harness::standin {

namespace fs = std::filesystem;

namespace {

// Everything below `directory` to the user, as the hardened profile has it.
void hand_over(const fs::path& directory, uid_t user, gid_t group) {
  std::error_code ignored;
  ::lchown(directory.c_str(), user, group);
  for (const auto& entry : fs::recursive_directory_iterator(directory, ignored)) {
    ::lchown(entry.path().c_str(), user, group);
  }
}

}  // namespace

Json etcd_config(const Node& node, const std::string& name, const EtcdInitial& initial) {
  const std::string tls = node.paths.etcd_tls();
  const std::string ip = node.config.node_ip;
  Json config = {{"advertise-client-urls", fmt::format("https://{}:2379", ip)},
                 {"client-transport-security",
                  {{"cert-file", tls + "/server-client.crt"},
                   {"client-cert-auth", true},
                   {"key-file", tls + "/server-client.key"},
                   {"trusted-ca-file", tls + "/server-ca.crt"}}},
                 {"data-dir", node.paths.etcd_db().string()},
                 {"election-timeout", 5000},
                 {"experimental-initial-corrupt-check", true},
                 {"experimental-watch-progress-notify-interval", 5000000000},
                 {"heartbeat-interval", 500},
                 {"initial-advertise-peer-urls", initial.advertise_peer_url},
                 {"initial-cluster", initial.cluster},
                 {"initial-cluster-state", initial.state},
                 {"listen-client-http-urls", "https://127.0.0.1:2382"},
                 {"listen-client-urls", fmt::format("https://127.0.0.1:2379,https://{}:2379", ip)},
                 {"listen-metrics-urls", "http://127.0.0.1:2381"},
                 {"listen-peer-urls", fmt::format("https://127.0.0.1:2380,https://{}:2380", ip)},
                 {"log-outputs", Json::array({"stderr"})},
                 {"logger", "zap"},
                 {"name", name},
                 {"peer-transport-security",
                  {{"cert-file", tls + "/peer-server-client.crt"},
                   {"client-cert-auth", true},
                   {"key-file", tls + "/peer-server-client.key"},
                   {"trusted-ca-file", tls + "/peer-ca.crt"}}},
                 {"snapshot-count", 10000}};
  for (const auto& extra : node.config.etcd_arg) {
    const auto equals = extra.find('=');
    const std::string value = equals == std::string::npos ? "true" : extra.substr(equals + 1);
    const Json parsed = Json::parse(value, nullptr, false);
    config[extra.substr(0, equals)] = parsed.is_discarded() ? Json(value) : parsed;
  }
  return config;
}

Result<PodArgs> etcd_pod(const Node& node,
                         const fs::path& config_file,
                         const EtcdInitial& initial) {
  const std::string tls = node.paths.etcd_tls();
  PodArgs pod;
  pod.command = "etcd";
  pod.args = {"--config-file=" + config_file.string()};
  pod.image = node.build.etcd_image();
  pod.dirs = {node.paths.etcd_db()};
  pod.files = {tls + "/server-client.crt",
               tls + "/server-client.key",
               tls + "/server-ca.crt",
               tls + "/peer-server-client.crt",
               tls + "/peer-server-client.key",
               tls + "/peer-ca.crt"};
  pod.health_port = 2381;
  pod.health_scheme = "HTTP";
  pod.health_path = "/health?serializable=true";
  pod.cpu = "200m";
  pod.memory = "512Mi";
  pod.environment = proxy_environment();
  pod.private_file = node.config.cis();
  pod.annotations["etcd.k3s.io/initial"] = Json{
      {"initial-advertise-peer-urls", initial.advertise_peer_url},
      {"initial-cluster", initial.cluster},
      {"initial-cluster-state", initial.state}}.dump();
  if (node.config.cis()) {
    const passwd* user = ::getpwnam("etcd");
    if (user == nullptr) {
      return fail(ErrorCode::not_supported, "missing required: user: unknown user etcd");
    }
    pod.run_as = {static_cast<int>(user->pw_uid), static_cast<int>(user->pw_gid)};
    hand_over(node.paths.etcd_db(), user->pw_uid, user->pw_gid);
    hand_over(node.paths.etcd_tls(), user->pw_uid, user->pw_gid);
  }
  return pod;
}

}  // namespace harness::standin
