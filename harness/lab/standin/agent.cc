#include <cstdlib>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/lab/standin/agent_start.h"
#include "harness/lab/standin/balancer.h"
#include "harness/lab/standin/cleanup.h"
#include "harness/lab/standin/controllers.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/remote.h"
#include "harness/lab/standin/server.h"
#include "harness/lab/standin/token.h"

namespace harness::standin {

namespace {

// Every 2 s until the server is there; what it then says of the token is final.
Status await_trust(const Node& node, const Token& token, const std::string& ca_file) {
  for (;;) {
    const auto trusted = trust_server(node, token, ca_file);
    if (trusted || trusted.error().code() == ErrorCode::refused) {
      return trusted;
    }
    logrus::error("Failed to validate connection to cluster at {}: {}",
                  node.config.server,
                  trusted.error().message());
    paced(std::chrono::seconds(2), {});
  }
}

void wait_for_configuration(Remote& server) {
  for (;;) {
    const auto config = server.ask("GET", "/v1-rke2/config", "");
    if (config) {
      return;
    }
    logrus::info("Waiting to retrieve agent configuration; server is not ready: {}",
                 config.error().message());
    paced(std::chrono::seconds(5), {});
  }
}

}  // namespace

void show_build(const Build& build, char** argv) {
  constexpr const char* name = "RKE2_STANDIN_VERSION";
  const char* shown = std::getenv(name);
  if (shown == nullptr || build.version.tag() != shown) {
    ::setenv(name, build.version.tag().c_str(), 1);
    ::execv("/proc/self/exe", argv);
  }
}

void run_agent(const Build& build) {
  end_on_signal();
  const auto config = load_config("/etc/rancher/rke2");
  if (!config) {
    logrus::fatal("{}", config.error().message());
  }
  static Node node;
  node.build = build;
  node.config = *config;
  node.paths.data = config->data_dir;
  node.server = false;
  if (const auto heeded = heed_config(node.config); !heeded) {
    logrus::fatal("{}", heeded.error().message());
  }
  if (const auto cleaned = clean_up_static_pods(node); !cleaned) {
    logrus::fatal("{}", cleaned.error().message());
  }
  logrus::info("Starting rke2 agent {} ({})", build.version.tag(), build.commit);
  machine::take_notify_socket();
  if (config->server.empty()) {
    logrus::fatal("--server is required");
  }
  const auto token = parse_token(config->token, "node");
  if (!token) {
    logrus::fatal("{}", token.error().message());
  }
  const std::string ca_file = node.paths.agent() / "server-ca.crt";
  if (const auto trusted = await_trust(node, *token, ca_file); !trusted) {
    logrus::fatal("{}", trusted.error().message());
  }
  static Remote issuer(node, {ca_file, "", "", "node:" + token->password});
  wait_for_configuration(issuer);
  const std::string host = machine::host_of(node.config.server);
  static Balancer supervisors;
  static Balancer apiservers;
  for (const auto& done :
       {supervisors.listen("rke2-agent-load-balancer", 6444, {host + ":9345"}),
        apiservers.listen("rke2-api-server-agent-load-balancer", 6443, {host + ":6443"})}) {
    if (!done) {
      logrus::fatal("{}", done.error().message());
    }
  }
  if (const auto started = start_agent(node, issuer); !started) {
    logrus::fatal("{}", started.error().message());
  }
  node.apiserver_ready.wait();
  const std::string stem = node.paths.agent() / "client-kubelet";
  configure_node(node, {ca_file, stem + ".crt", stem + ".key", ""});
  logrus::info("rke2 agent is up and running");
  machine::notify("READY=1\n");
  for (;;) {
    ::pause();
  }
}

}  // namespace harness::standin
