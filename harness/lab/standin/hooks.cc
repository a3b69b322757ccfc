#include "harness/lab/standin/hooks.h"

#include <algorithm>
#include <set>

#include "harness/lab/standin/kube.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/rbac.h"
#include "harness/lab/standin/sync.h"

namespace harness::standin {

namespace {

bool sync_is_a_hook(const Node& node) {
  return node.build.readiness != Readiness::synced;
}

void reconcile_static_pods(Node& node) {
  background([&node] {
    sync_static_pods(node);
    node.hooks.done();
  });
}

void set_cluster_roles(Node& node) {
  background([&node] {
    node.apiserver_ready.wait();
    logrus::info("Applying Cluster Role Bindings");
    Kube kube(kApiserver, node.supervisor_identity());
    if (const std::string why = ensure_rbac(kube); !why.empty()) {
      logrus::fatal("clusterrole: EnsureRBACPolicy failed: {}", why);
    }
    trim_subjects(kube);
    logrus::info("Cluster Role Bindings applied successfully");
    node.hooks.done();
  });
}

void set_kube_proxy_disabled(Node& node) {
  background([&node] {
    node.apiserver_ready.wait();
    node.hooks.done();
  });
}

// Lists, then follows its own Node; a connection that is lost is made anew.
void watch_for_self_delete(const Node& node) {
  logrus::info("Watching for delete of {} Node object", node.config.node_name);
  const std::string path = "/api/v1/nodes?fieldSelector=metadata.name%3D" + node.config.node_name;
  for (bool gone = false; !gone;) {
    Kube kube(kApiserver, node.supervisor_identity());
    const KubeReply list = kube.get(path);
    gone = list.ok() && lists_removal(list.body);
    if (list.ok() && !gone) {
      const std::string version =
          json_string(list.body.value("metadata", Json::object()), "resourceVersion");
      const auto on_line = [&gone](std::string_view line) {
        const auto event = parse_json(line);
        gone = event && json_string(*event, "type") != "ERROR" &&
               wants_removal(event->value("object", Json::object()));
        return !gone;
      };
      HttpRequest watch;
      watch.path = path + "&watch=1&resourceVersion=" + version;
      watch.timeout = std::chrono::hours(1);
      static_cast<void>(kube.http().follow(watch, on_line));
    }
    if (!gone) {
      paced(std::chrono::seconds(1), {});
    }
  }
  logrus::info("Local Node deleted or removed from etcd cluster, cleaning up server static pods");
  for (const char* component : {"kube-apiserver",
                                "kube-scheduler",
                                "kube-controller-manager",
                                "cloud-controller-manager",
                                "etcd"}) {
    std::error_code error;
    std::filesystem::remove(node.paths.manifests() / (std::string(component) + ".yaml"), error);
    if (error) {
      logrus::error("spc: failed to clean up static pods: unable to delete {} manifest: {}",
                    component,
                    error.message());
    }
  }
}

void clean_up_on_self_delete(Node& node) {
  background([&node] {
    node.apiserver_ready.wait();
    background([&node] { watch_for_self_delete(node); });
    node.hooks.done();
  });
}

void set_runtimes(Node& node) {
  background([&node] {
    node.apiserver_ready.wait();
    logrus::info("Setting runtimes");
    static const std::set<std::string> ours = {"nvidia", "nvidia-experimental", "crun"};
    constexpr const char* path = "/apis/node.k8s.io/v1/runtimeclasses";
    Kube kube(kApiserver, node.supervisor_identity());
    const KubeReply classes = kube.get(path);
    if (!classes.ok()) {
      logrus::fatal("runtimes: failed to get runtime classes");
    }
    for (Json one : classes.body.value("items", Json::array())) {
      const std::string name = one["metadata"]["name"];
      if (ours.count(name) == 0) {
        continue;
      }
      one["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm";
      one["metadata"]["annotations"]["meta.helm.sh/release-name"] = "rke2-runtimeclasses";
      one["metadata"]["annotations"]["meta.helm.sh/release-namespace"] = "kube-system";
      if (!kube.update(std::string(path) + "/" + name, one).ok()) {
        logrus::fatal("runtimes: failed to update runtime classes");
      }
    }
    node.hooks.done();
  });
}

}  // namespace

bool wants_removal(const Json& object) {
  const Json metadata = object.value("metadata", Json::object());
  const Json annotations = metadata.value("annotations", Json::object());
  return metadata.contains("deletionTimestamp") ||
         json_string(annotations, "etcd.rke2.cattle.io/remove") == "true";
}

bool lists_removal(const Json& list) {
  const Json items = list.value("items", Json::array());
  return std::any_of(items.begin(), items.end(), wants_removal);
}

int hook_count(const Node& node) {
  return (sync_is_a_hook(node) ? 1 : 0) + (node.config.cis() ? 2 : 0) + 4;
}

void launch_hooks(Node& node) {
  if (sync_is_a_hook(node)) {
    reconcile_static_pods(node);
  }
  if (node.config.cis()) {
    set_network_policies(node);
  }
  set_cluster_roles(node);
  if (node.config.cis()) {
    restrict_service_accounts(node);
  }
  set_kube_proxy_disabled(node);
  clean_up_on_self_delete(node);
  set_runtimes(node);
}

}  // namespace harness::standin
