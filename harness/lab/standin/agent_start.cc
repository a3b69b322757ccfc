#include "harness/lab/standin/agent_start.h"

#include <csignal>

#include <fmt/format.h>

#include "harness/lab/standin/containerd.h"
#include "harness/lab/standin/kubelet.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/manifest.h"
#include "harness/lab/standin/readiness.h"
#include "harness/lab/standin/runtime_image.h"

namespace harness::standin {

namespace {

Status write_crictl(const Node& node) {
  const std::string endpoint = "unix://" + node.cri_endpoint();
  return machine::write_file(node.paths.agent() / "etc/crictl.yaml",
                             fmt::format("runtime-endpoint: {0}\nimage-endpoint: {0}\n", endpoint),
                             0644);
}

}  // namespace

Status start_agent(Node& node, pki::Issuer& issuer) {
  TRY(pki::prepare_agent(node.paths, node.config, node.build, node.apiserver, issuer),
      "agent certificates");
  TRY(write_crictl(node), "crictl configuration");
  start_readiness(node);
  if (auto staged = stage_runtime(node); !staged) {
    return staged;
  }
  std::error_code ignored;
  std::filesystem::create_directories(node.paths.manifests(), ignored);
  if (!node.server) {
    TRY(remove_pod(node.paths.manifests(), "kube-proxy"), "kube-proxy");
  }
  if (node.config.container_runtime_endpoint.empty()) {
    TRY(start_containerd(node), "containerd");
    TRY(import_images(node), "images");
  } else {
    wait_for_runtime(node);
  }
  TRY(write_network(node), "network");
  start_kubelet(node);
  return {};
}

Status heed_config(const Config& config) {
  if (auto good = check_profile(config); !good) {
    return good;
  }
  if (!config.cis()) {
    logrus::warning("not running in CIS mode");
  }
  for (const auto& key : config.unknown) {
    logrus::warning("Unknown flag --{} found in config.yaml, skipping", key);
  }
  for (const auto& key : config.ignored) {
    logrus::warning("The stand-in does not heed --{}", key);
  }
  logrus::warning("This is the stand-in for rke2 of the hookshot lab, not the product");
  return {};
}

void end_on_signal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  background([set] {
    int number = 0;
    ::sigwait(&set, &number);
    stop_containerd();
    // The thread that waits for containerd ends the process; where none runs, we do.
    paced(std::chrono::seconds(2), {});
    logrus::die();
  });
}

}  // namespace harness::standin
