#include "harness/lab/standin/controllers.h"

#include <set>

#include "harness/base/json.h"
#include "harness/base/time.h"
#include "harness/lab/standin/charts.h"
#include "harness/lab/standin/kube.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"

namespace harness::standin {

namespace {

constexpr const char* kDefinitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
constexpr const char* kPatience = "?timeout=15m0s";

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
  if (!definition.is_object()) {
    return false;
  }
  for (const auto& condition :
       definition.value("status", Json::object()).value("conditions", Json::array())) {
    if (json_string(condition, "type") == "Established") {
      return json_string(condition, "status") == "True";
    }
  }
  return false;
}

std::string path_of(const std::string& name) {
  return std::string(kDefinitions) + "/" + name + kPatience;
}

std::set<std::string> present_definitions(Kube& kube) {
  const KubeReply list = kube.get(std::string(kDefinitions) + kPatience);
  if (!list.ok()) {
    logrus::warning("unable to list existing CRDs: failed to list crds: {}", list.error);
    return {};
  }
  std::set<std::string> names;
  for (const auto& one : list.body.value("items", Json::array())) {
    names.insert(json_string(one.value("metadata", Json::object()), "name"));
  }
  return names;
}

// Empty when it is there as wanted. No call is tried twice.
std::string ensure_definition(Kube& kube, const Json& wanted, bool present) {
  const std::string name = wanted["metadata"]["name"];
  if (!present) {
    logrus::info("Creating embedded CRD {}", name);
    const KubeReply created = kube.create(std::string(kDefinitions) + kPatience, wanted);
    if (created.ok()) {
      return {};
    }
    if (!created.conflict()) {
      return "failed to create crd '" + name + "': " + created.error;
    }
  }
  const KubeReply seen = kube.get(path_of(name));
  if (!seen.ok()) {
    return "failed to get exiting '" + name + "' CRD: " + seen.error;
  }
  logrus::info("Updating embedded CRD {}", name);
  Json changed = seen.body;
  changed["spec"]["versions"] = wanted["spec"]["versions"];
  const KubeReply updated = kube.update(path_of(name), changed);
  return updated.ok() ? "" : "failed to update crd '" + name + "': " + updated.error;
}

std::string await_definition(Kube& kube, const std::string& name) {
  const Deadline deadline = Deadline::after(std::chrono::minutes(1));
  for (KubeReply seen = kube.get(path_of(name)); !established(seen.body);
       seen = kube.get(path_of(name))) {
    if (!seen.ok() || deadline.passed()) {
      return "failed waiting on CRD '" + name +
             "': " + (seen.ok() ? "timed out waiting for the condition" : seen.error);
    }
    paced(std::chrono::milliseconds(500), {});
  }
  return {};
}

// A staged chart becomes an Addon, as the deploy controller does it.
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

std::string register_definitions(Kube& kube) {
  const std::set<std::string> present = present_definitions(kube);
  for (const auto& one : definitions()) {
    const Json wanted = object_of(one);
    const bool there = present.count(wanted["metadata"]["name"]) != 0;
    if (std::string why = ensure_definition(kube, wanted, there); !why.empty()) {
      return why;
    }
  }
  for (const auto& one : definitions()) {
    if (std::string why = await_definition(kube, one.plural + "." + one.group); !why.empty()) {
      return why;
    }
  }
  return {};
}

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
    install_charts(node);
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

Json server_marks(const Node& node) {
  const std::string prefix = "node-role.kubernetes.io/";
  const auto member = machine::read_file(node.paths.etcd_db() / "name");
  return {{"labels",
           {{prefix + "control-plane", "true"},
            {prefix + "etcd", "true"},
            {prefix + "master", "true"}}},
          {"annotations",
           {{"etcd.rke2.cattle.io/node-address", node.config.node_ip},
            {"etcd.rke2.cattle.io/node-name", member ? *member : node.config.node_name}}}};
}

void label_server(const Node& node) {
  Kube kube(kApiserver, node.supervisor_identity());
  const Json patch = {{"metadata", server_marks(node)}};
  for (;;) {
    const KubeReply done = kube.merge("/api/v1/nodes/" + node.config.node_name, patch);
    if (done.ok()) {
      logrus::info("Labels and annotations have been set successfully on node: {}",
                   node.config.node_name);
      return;
    }
    paced(std::chrono::seconds(1), {});
  }
}

}  // namespace harness::standin
