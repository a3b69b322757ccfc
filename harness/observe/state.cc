#include "harness/observe/state.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/observe/back_off.h"
#include "harness/observe/build.h"
#include "harness/observe/fields.h"
#include "harness/observe/pods.h"
#include "harness/observe/unit_state.h"

namespace harness::observe {
namespace {

constexpr std::chrono::seconds kPartLimit{20};

Json event(const char* type, const std::string& node) {
  return Json{{"type", type}, {"node", node}};
}

std::string condition(const Json& node, std::string_view type) {
  for (const Json& one : part(part(node, "status"), "conditions")) {
    if (json_string(one, "type") == type) {
      return json_string(one, "status");
    }
  }
  return {};
}

Json container_restarts(const Json& pod) {
  Json all = Json::array();
  for (const Json& one : part(part(pod, "status"), "containerStatuses")) {
    Json row{{"pod", json_string(one, "name")},
             {"restart_count", json_int(one, "restartCount")},
             {"backoff_us", 0},
             {"last_exit", nullptr}};
    const Json& waiting = part(part(one, "state"), "waiting");
    if (json_string(waiting, "reason") == "CrashLoopBackOff") {
      // kubelet's message has the length; without it any back-off is at least the first step.
      row["backoff_us"] =
          std::max<std::int64_t>(back_off_us(json_string(waiting, "message")), 10'000'000);
    }
    const Json& ended = part(part(one, "lastState"), "terminated");
    if (ended.is_object()) {
      row["last_exit"] = {{"exit_code", json_int(ended, "exitCode")},
                          {"reason", json_string(ended, "reason")},
                          {"finished_at", json_string(ended, "finishedAt")}};
    }
    all.push_back(std::move(row));
  }
  return all;
}

}  // namespace

std::string_view to_string(Phase phase) {
  return phase == Phase::before ? "before" : "after";
}

Json static_pods(const Access& access, const cluster::Node& node, Deadline deadline) {
  Json state = event("state.static-pods", node.name());
  auto pods = access.static_pods(node).read(deadline);
  if (!pods) {
    state["error"] = pods.error().message();
    return state;
  }
  state["pods"] = Json::array();
  for (const StaticPod& pod : *pods) {
    state["pods"].push_back(to_json(pod));
  }
  return state;
}

Json nodes_state(const Access& access, const cluster::Node* preferred, Deadline deadline) {
  Json state = event("state.nodes", preferred != nullptr ? preferred->name() : "");
  std::string asked;
  auto nodes = access.api("/api/v1/nodes", deadline, preferred, &asked);
  if (!nodes) {
    state["error"] = nodes.error().message();
    return state;
  }
  state["node"] = asked;
  if (!part(*nodes, "items").is_array()) {
    state["error"] = asked + " apiserver: what it says of its nodes is no list";
    return state;
  }
  auto leases = access.api(
      "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", deadline, preferred);
  if (!leases) {
    state["error"] = leases.error().message();
  }
  state["nodes"] = Json::array();
  for (const Json& one : part(*nodes, "items")) {
    Json row{
        {"name", json_string(part(one, "metadata"), "name")},
        {"ready", condition(one, "Ready") == "True"},
        {"kubelet_version", json_string(part(part(one, "status"), "nodeInfo"), "kubeletVersion")},
        {"addresses", Json::array()},
        {"lease_renewed_us", 0}};
    for (const Json& address : part(part(one, "status"), "addresses")) {
      row["addresses"].push_back(json_string(address, "address"));
    }
    if (leases) {
      for (const Json& lease : part(*leases, "items")) {
        if (json_string(part(lease, "metadata"), "name") == row["name"]) {
          row["lease_renewed_us"] =
              parse_wall(json_string(part(lease, "spec"), "renewTime")).value_or(0);
        }
      }
    }
    state["nodes"].push_back(std::move(row));
  }
  return state;
}

const Json* find_node(const Json& nodes, const cluster::Node& node) {
  for (const Json& one : nodes) {
    const Json& addresses = part(one, "addresses");
    if (json_string(one, "name") == node.name() ||
        std::find(addresses.begin(), addresses.end(), node.address()) != addresses.end()) {
      return &one;
    }
  }
  return nullptr;
}

Json build_state(cluster::Node& node, const std::optional<Version>& expected, Deadline deadline) {
  Json state = event("state.build", node.name());
  state["expected"] = expected ? expected->tag() : "";
  auto installed = read_installed(node, deadline);
  if (installed) {
    state["disk_version"] = installed->version;
    state["disk_commit"] = installed->commit;
    state["standin"] = installed->standin;
    state["version_text"] = installed->text;
  }
  auto directory = data_directory(node, deadline);
  if (directory) {
    state["data_dir"] = *directory;
  }
  auto unit = read_unit(node, deadline);
  auto running =
      unit ? running_build(node, unit->invocation, deadline) : Result<std::string>(std::string());
  if (running) {
    state["running"] = *running;
  }
  const Error* error = !installed   ? &installed.error()
                       : !directory ? &directory.error()
                       : !unit      ? &unit.error()
                       : !running   ? &running.error()
                                    : nullptr;
  if (error != nullptr) {
    state["error"] = error->message();
  }
  return state;
}

Json restarts_state(const Access& access, const cluster::Node& node, Deadline deadline) {
  Json state = event("state.restarts", node.name());
  auto pods = access.api("/api/v1/namespaces/kube-system/pods", deadline, &node);
  if (!pods) {
    state["error"] = pods.error().message();
    return state;
  }
  if (!part(*pods, "items").is_array()) {
    state["error"] = "apiserver: what it says of the pods of kube-system is no list";
    return state;
  }
  state["containers"] = Json::array();
  for (const Json& pod : part(*pods, "items")) {
    const Json& spec = part(pod, "spec");
    const bool here = json_string(spec, "nodeName") == node.name() ||
                      json_string(part(pod, "status"), "hostIP") == node.address();
    if (here) {
      for (Json& row : container_restarts(pod)) {
        state["containers"].push_back(std::move(row));
      }
    }
  }
  return state;
}

Json clean_state(cluster::Node& node, const std::string& cluster, Deadline deadline) {
  Json state = event("state.clean", node.name());
  auto lines = node.guard("clean", Json{{"cluster", cluster}}, deadline);
  if (!lines) {
    state["error"] = lines.error().message();
    return state;
  }
  for (const Json& line : *lines) {
    if (json_string(line, "type") == "clean" && line.contains("left")) {
      state["left"] = line["left"];
      return state;
    }
  }
  state["error"] = "the guard gave no answer to `clean`";
  return state;
}

void take_state(const Access& access,
                const StateOptions& options,
                const Sink& sink,
                Deadline deadline) {
  const auto put = [&](Json state) {
    state["phase"] = to_string(options.phase);
    sink(std::move(state));
  };
  const auto limit = [&] { return deadline.at_most(kPartLimit); };
  const std::vector<Json> hashes = etcd_hashes(access, deadline);
  for (std::size_t i = 0; i < access.servers().size(); ++i) {
    ControlPlane& server = *access.servers()[i];
    Json etcd = etcd_state(server, 0, limit());
    add_hash(etcd, hashes[i]);
    put(std::move(etcd));
    // Each server's own view, or its error: never another's in its place.
    const Access alone(access.cluster(), {&server.node()});
    put(nodes_state(alone, &server.node(), limit()));
  }
  for (cluster::Node* node : access.nodes()) {
    put(static_pods(access, *node, limit()));
    Json unit_event = event("state.unit", node->name());
    if (auto unit = read_unit(*node, limit())) {
      unit_event.update(unit->to_json(node->unit()));
    } else {
      unit_event["error"] = unit.error().message();
    }
    put(std::move(unit_event));
    put(build_state(*node, options.expected, limit()));
    put(restarts_state(access, *node, limit()));
    put(clean_state(*node, access.cluster(), limit()));
  }
}

}  // namespace harness::observe
