#include "harness/lab/standin/controllers.h"

#include "harness/base/json.h"
#include "harness/base/time.h"
#include "harness/lab/standin/kube.h"
#include "harness/lab/standin/logrus.h"

namespace harness::standin {

namespace {

constexpr const char* kDefinitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

struct Definition {
  std::string plural;
  std::string kind;
  std::string group;
  bool namespaced = true;
};

const std::vector<Definition>& definitions() {
  static const std::vector<Definition> all = {
      {"addons", "Addon", "k3s.cattle.io", true},
      {"etcdsnapshotfiles", "ETCDSnapshotFile", "k3s.cattle.io", false},
      {"helmcharts", "HelmChart", "helm.cattle.io", true},
      {"helmchartconfigs", "HelmChartConfig", "helm.cattle.io", true}};
  return all;
}

Json object_of(const Definition& one) {
  std::string singular = one.kind;
  for (char& c : singular) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  const Json schema = {
      {"openAPIV3Schema", {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}}}};
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", one.plural + "." + one.group}}},
          {"spec",
           {{"group", one.group},
            {"names",
             {{"plural", one.plural},
              {"singular", singular},
              {"kind", one.kind},
              {"listKind", one.kind + "List"}}},
            {"scope", one.namespaced ? "Namespaced" : "Cluster"},
            {"versions",
             Json::array({{{"name", "v1"},
                           {"served", true},
                           {"storage", true},
                           {"schema", schema},
                           {"subresources", {{"status", Json::object()}}}}})}}}};
}

bool established(const Json& definition) {
  for (const auto& condition :
       definition.value("status", Json::object()).value("conditions", Json::array())) {
    if (json_string(condition, "type") == "Established") {
      return json_string(condition, "status") == "True";
    }
  }
  return false;
}

// One list, one write each, then a look at each until it is served. No call is tried twice.
std::string register_definitions(Kube& kube) {
  const KubeReply list = kube.get(kDefinitions);
  if (!list.ok()) {
    return list.error;
  }
  for (const auto& one : definitions()) {
    const Json wanted = object_of(one);
    const std::string path =
        std::string(kDefinitions) + "/" + wanted["metadata"]["name"].get<std::string>();
    KubeReply present = kube.get(path);
    if (present.not_found()) {
      present = kube.create(kDefinitions, wanted);
    } else if (present.ok()) {
      Json changed = present.body;
      changed["spec"]["versions"] = wanted["spec"]["versions"];
      present = kube.update(path, changed);
    }
    if (!present.ok()) {
      return present.error;
    }
  }
  for (const auto& one : definitions()) {
    const std::string path = std::string(kDefinitions) + "/" + one.plural + "." + one.group;
    const Deadline deadline = Deadline::after(std::chrono::minutes(1));
    for (KubeReply seen = kube.get(path); !established(seen.body); seen = kube.get(path)) {
      if (!seen.ok()) {
        return seen.error;
      }
      if (deadline.passed()) {
        return "timed out waiting for the condition";
      }
      paced(std::chrono::milliseconds(500), {});
    }
  }
  return {};
}

// A staged chart becomes an Addon, as the deploy controller does it; charts themselves are not
// installed.
std::string stage_addons(Kube& kube, const Node& node) {
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(node.paths.server() / "manifests", ignored)) {
    const std::string name = entry.path().stem();
    const std::string collection = "/apis/k3s.cattle.io/v1/namespaces/kube-system/addons";
    const Json addon = {{"apiVersion", "k3s.cattle.io/v1"},
                        {"kind", "Addon"},
                        {"metadata", {{"name", name}, {"namespace", "kube-system"}}},
                        {"spec", {{"source", entry.path().string()}}}};
    const KubeReply created = kube.create(collection, addon);
    if (!created.ok() && !created.conflict()) {
      return created.error;
    }
  }
  return {};
}

}  // namespace

void start_controllers(Node& node) {
  background([&node] {
    node.apiserver_ready.wait();
    Kube kube(kApiserver, node.supervisor_identity());
    if (const std::string why = register_definitions(kube); !why.empty()) {
      logrus::fatal(
          "failed to start controllers: failed to create new server context: failed to register "
          "CRDs: {}",
          why);
    }
    node.hooks.wait();
    if (const std::string why = stage_addons(kube, node); !why.empty()) {
      logrus::fatal("failed to start controllers: failed to stage files: {}", why);
    }
    node.runtime_core.open();
    label_server(node);
  });
}

void configure_node(const Node& node, Identity identity) {
  Kube kube(node.apiserver, std::move(identity));
  const std::string path = "/api/v1/nodes/" + node.config.node_name;
  for (;;) {
    const KubeReply seen = kube.get(path);
    if (seen.ok()) {
      const Json annotations = seen.body["metadata"].value("annotations", Json::object());
      const Json wanted = {{"rke2.io/hostname", node.config.node_name},
                           {"rke2.io/internal-ip", node.config.node_ip}};
      if (json_string(annotations, "rke2.io/internal-ip") == node.config.node_ip) {
        logrus::info("Annotations and labels have already set on node: {}", node.config.node_name);
        return;
      }
      if (kube.merge(path, {{"metadata", {{"annotations", wanted}}}}).ok()) {
        logrus::info("Annotations and labels have been set successfully on node: {}",
                     node.config.node_name);
        return;
      }
    }
    paced(std::chrono::seconds(1), {});
  }
}

void label_server(const Node& node) {
  Kube kube(kApiserver, node.supervisor_identity());
  const std::string prefix = "node-role.kubernetes.io/";
  const Json labels = {
      {prefix + "control-plane", "true"}, {prefix + "etcd", "true"}, {prefix + "master", "true"}};
  const Json annotations = {{"etcd.rke2.cattle.io/node-address", node.config.node_ip},
                            {"etcd.rke2.cattle.io/node-name", node.config.node_name}};
  for (;;) {
    const KubeReply done =
        kube.merge("/api/v1/nodes/" + node.config.node_name,
                   {{"metadata", {{"labels", labels}, {"annotations", annotations}}}});
    if (done.ok()) {
      logrus::info("Labels and annotations have been set successfully on node: {}",
                   node.config.node_name);
      return;
    }
    paced(std::chrono::seconds(1), {});
  }
}

}  // namespace harness::standin
