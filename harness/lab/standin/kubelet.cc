#include "harness/lab/standin/kubelet.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/json.h"
#include "harness/lab/standin/child.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"

namespace harness::standin {

std::vector<std::string> kubelet_args(const Node& node) {
  const std::string agent = node.paths.agent();
  return {"--volume-plugin-dir=/var/lib/kubelet/volumeplugins",
          "--file-check-frequency=5s",
          "--sync-frequency=30s",
          "--address=0.0.0.0",
          "--anonymous-auth=false",
          "--authentication-token-webhook=true",
          "--authorization-mode=Webhook",
          "--cgroup-driver=cgroupfs",
          "--client-ca-file=" + agent + "/client-ca.crt",
          std::string("--cluster-dns=") + kClusterDns,
          "--cluster-domain=cluster.local",
          "--container-runtime=remote",
          "--containerd=" + node.cri_endpoint(),
          "--container-runtime-endpoint=unix://" + node.cri_endpoint(),
          "--eviction-hard=imagefs.available<5%,nodefs.available<5%",
          "--eviction-minimum-reclaim=imagefs.available=10%,nodefs.available=10%",
          "--fail-swap-on=false",
          "--healthz-bind-address=127.0.0.1",
          "--hostname-override=" + node.config.node_name,
          "--kubeconfig=" + agent + "/kubelet.kubeconfig",
          "--node-ip=" + node.config.node_ip,
          "--pod-infra-container-image=" + std::string(kPauseImage),
          "--pod-manifest-path=" + node.paths.manifests().string(),
          "--read-only-port=0",
          "--resolv-conf=/etc/resolv.conf",
          "--serialize-image-pulls=false",
          "--tls-cert-file=" + agent + "/serving-kubelet.crt",
          "--tls-private-key-file=" + agent + "/serving-kubelet.key"};
}

Status write_network(const Node& node) {
  const std::string last = node.config.node_ip.substr(node.config.node_ip.rfind('.') + 1);
  const Json network = {
      {"cniVersion", "0.4.0"},
      {"name", "rke2-standin"},
      {"plugins",
       Json::array(
           {{{"type", "bridge"},
             {"bridge", "cni0"},
             {"isGateway", true},
             {"ipam",
              {{"type", "host-local"},
               {"ranges",
                Json::array({Json::array({{{"subnet", fmt::format("10.42.{}.0/24", last)}}})})},
               {"routes", Json::array({{{"dst", "0.0.0.0/0"}}})}}}},
            {{"type", "portmap"}, {"capabilities", {{"portMappings", true}}}}})}};
  return machine::write_file("/etc/cni/net.d/10-rke2-standin.conflist", network.dump(2), 0644);
}

void start_kubelet(const Node& node) {
  const std::vector<std::string> args = kubelet_args(node);
  logrus::info("Running kubelet {}", fmt::join(args, " "));
  background([&node, args] {
    std::vector<std::string> argv = {node.runtime_bin + "/kubelet"};
    argv.insert(argv.end(), args.begin(), args.end());
    // Without it a kubelet as old as this one spends six seconds looking for a cloud's registry
    // credentials.
    const std::map<std::string, std::string> environment = {{"PATH", node.path_variable()},
                                                            {"AWS_EC2_METADATA_DISABLED", "true"}};
    for (;;) {
      const std::string how = run({argv, environment, node.paths.agent() / "logs/kubelet.log"});
      logrus::error("Kubelet exited: {}", how.empty() ? "<nil>" : how);
      paced(std::chrono::seconds(5), {});
    }
  });
}

}  // namespace harness::standin
