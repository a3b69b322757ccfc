#include "harness/lab/standin/server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "harness/lab/standin/agent_start.h"
#include "harness/lab/standin/cleanup.h"
#include "harness/lab/standin/components.h"
#include "harness/lab/standin/controllers.h"
#include "harness/lab/standin/etcd.h"
#include "harness/lab/standin/hooks.h"
#include "harness/lab/standin/join.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/pki.h"
#include "harness/lab/standin/supervisor.h"

namespace harness::standin {

namespace {

class OwnDisk final : public pki::Issuer {
 public:
  explicit OwnDisk(const Node& node) : node_(node) {}

  Result<std::string> certificate(const std::string& kind, const std::string& request) override {
    return pki::sign_for_node(
        node_.paths, kind, node_.config.node_name, node_.config.node_ip, request);
  }

  Result<std::string> authority(const std::string& kind) override {
    return machine::read_file(node_.paths.tls() / (kind + ".crt"));
  }

 private:
  const Node& node_;
};

void must(const Status& status, std::string_view doing = {}) {
  if (!status) {
    logrus::fatal("{}{}{}", doing, doing.empty() ? "" : ": ", status.error().message());
  }
}

void setup(const Node& node) {
  logrus::info("Applying Pod Security Admission Configuration");
  must(machine::write_file(
      node.paths.etc / "rke2/rke2-pss.yaml",
      "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins: []\n"));
  must(heed_config(node.config));
}

// G: what a start waits for, and the word to systemd that it is over.
void announce(Node& node) {
  background([&node] {
    node.etcd_ready.wait();
    logrus::info("ETCD server is now running");
    node.apiserver_ready.wait();
    logrus::info("Kube API server is now running");
    node.hooks.wait();
    logrus::info("rke2 is up and running");
    machine::notify("READY=1\n");
  });
}

void write_after(const Gate& gate, const Node& node, PodArgs (*pod)(const Node&)) {
  background([&gate, &node, pod] {
    gate.wait();
    if (const auto written = write_pod(node.paths.manifests(), pod(node)); !written) {
      logrus::fatal("{}", written.error().message());
    }
  });
}

Status start_control_plane(Node& node, Etcd& etcd) {
  TRY(etcd.start(), "etcd");
  logrus::info("Running kube-apiserver {}", fmt::join(apiserver_pod(node).args, " "));
  TRY(remove_pod(node.paths.manifests(), "kube-apiserver"), "kube-apiserver");
  write_after(node.etcd_ready, node, apiserver_pod);
  logrus::info("Running kube-scheduler {}", fmt::join(scheduler_pod(node).args, " "));
  write_after(node.apiserver_ready, node, scheduler_pod);
  logrus::info("Running kube-controller-manager {}",
               fmt::join(controller_manager_pod(node).args, " "));
  write_after(node.apiserver_ready, node, controller_manager_pod);
  return {};
}

void print_how_to_join(const Node& node) {
  const std::string server = node.paths.server();
  const std::string url = fmt::format("https://{}:{}", node.config.node_ip, kSupervisorPort);
  logrus::info("Server node token is available at {}/token", server);
  logrus::info("To join server node to cluster: rke2 server -s {} -t ${{SERVER_NODE_TOKEN}}", url);
  logrus::info("Agent node token is available at {}/agent-token", server);
  logrus::info("To join agent node to cluster: rke2 agent -s {} -t ${{AGENT_NODE_TOKEN}}", url);
  logrus::info("Wrote kubeconfig {}", node.paths.admin_kubeconfig().string());
  logrus::info("Run: rke2 kubectl");
}

}  // namespace

void run_server(const Build& build) {
  end_on_signal();
  auto config = load_config("/etc/rancher/rke2");
  if (!config) {
    logrus::fatal("{}", config.error().message());
  }
  static Node node;
  node.build = build;
  node.config = *config;
  node.paths.data = config->data_dir;
  setup(node);
  must(clean_up_static_pods(node));
  logrus::info("Starting rke2 {} ({})", build.version.tag(), build.commit);
  machine::take_notify_socket();

  static Etcd etcd(node);
  if (etcd.initialized()) {
    logrus::info("Managed etcd cluster bootstrap already complete and initialized");
    if (const auto done = etcd.reconcile(); !done) {
      if (done.error().code() == ErrorCode::refused) {
        logrus::fatal("{}", done.error().message());
      }
      logrus::fatal("Failed to reconcile with temporary etcd: {}", done.error().message());
    }
  } else if (node.config.server.empty()) {
    logrus::info("Managed etcd cluster initializing");
  } else {
    must(join_server(node), "preparing server");
  }
  must(pki::prepare_server(node.paths, node.config, node.build), "preparing server");
  static HttpsServer supervisor;
  must(open_supervisor(node, supervisor), "preparing server");
  serve_requests(node, supervisor);

  static OwnDisk issuer(node);
  must(start_agent(node, issuer));
  // Up to 1.30.12 the hooks were counted only after the control plane had been started.
  const bool counted_late = build.readiness != Readiness::synced;
  node.hooks.add(counted_late ? 0 : hook_count(node));
  announce(node);
  must(start_control_plane(node, etcd), "starting kubernetes");
  node.hooks.add(counted_late ? hook_count(node) : 0);
  launch_hooks(node);
  start_controllers(node);
  print_how_to_join(node);
  background([] {
    node.apiserver_ready.wait();
    configure_node(node, node.supervisor_identity());
  });
  for (;;) {
    ::pause();
  }
}

}  // namespace harness::standin
