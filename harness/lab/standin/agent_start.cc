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
  TRY(stage_runtime(node), "bootstrap");
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
  logrus::info("Getting list of apiserver endpoints from server");
  TRY(write_network(node), "network");
  start_kubelet(node);
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
