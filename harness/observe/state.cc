#include "harness/observe/state.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "harness/observe/build.h"
#include "harness/observe/pods.h"
#include "harness/observe/unit_state.h"

namespace harness::observe {
namespace {

constexpr std::chrono::seconds kPartLimit{20};
constexpr std::string_view kBackOff = "back-off ";
const Json kNothing;

Json event(const char* type, const std::string& node) {
  return Json{{"type", type}, {"node", node}};
}

// The gateway writes 64-bit numbers as strings, and leaves zeros out.
std::int64_t number(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) {
    return 0;
  }
  if (found->is_number_integer()) {
    return found->get<std::int64_t>();
  }
  std::int64_t value = 0;
  if (found->is_string()) {
    const auto& text = found->get_ref<const std::string&>();
    std::from_chars(text.data(), text.data() + text.size(), value);
  }
  return value;
}

// Identifiers stay text: they do not fit a signed 64-bit number.
std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) {
    return "0";
  }
  return found->is_string() ? found->get<std::string>() : found->dump();
}

const Json& part(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : kNothing;
}

std::string condition(const Json& node, std::string_view type) {
  for (const Json& one : part(part(node, "status"), "conditions")) {
    if (json_string(one, "type") == type) {
      return json_string(one, "status");
    }
  }
  return {};
}

void add_members(ControlPlane& server, Json& state, Deadline deadline) {
  auto list = server.etcd_json("/v3/cluster/member/list", Json::object(), deadline);
  if (!list) {
    state["error"] = list.error().message();
    return;
  }
  state["members"] = Json::array();
  for (const Json& one : part(*list, "members")) {
    state["members"].push_back({{"id", text_of(one, "ID")},
                                {"name", json_string(one, "name")},
                                {"is_learner", json_bool(one, "isLearner")},
                                {"peer_urls", part(one, "peerURLs")}});
  }
}

void add_alarms(ControlPlane& server, Json& state, Deadline deadline) {
  auto alarms = server.etcd_json("/v3/maintenance/alarm", Json{{"action", "GET"}}, deadline);
  if (!alarms) {
    state["error"] = alarms.error().message();
    return;
  }
  state["alarms"] = Json::array();
  for (const Json& one : part(*alarms, "alarms")) {
    state["alarms"].push_back(json_string(one, "alarm") + " on " + text_of(one, "memberID"));
  }
}

void add_hash(ControlPlane& server, std::int64_t revision, Json& state, Deadline deadline) {
  auto hash = server.etcd_json(
      "/v3/maintenance/hash", Json{{"revision", std::to_string(revision)}}, deadline);
  if (!hash) {
    state["error"] = hash.error().message();
    return;
  }
  state["hash"] = number(*hash, "hash");
  state["hash_revision"] = revision;
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

std::int64_t back_off_us(std::string_view message) {
  const std::size_t at = message.find(kBackOff);
  if (at == std::string_view::npos) {
    return 0;
  }
  std::int64_t total = 0;
  std::int64_t value = 0;
  for (const char c : message.substr(at + kBackOff.size())) {
    if (c >= '0' && c <= '9') {
      value = value * 10 + (c - '0');
    } else if (c == 'm') {
      total += value * 60'000'000;
      value = 0;
    } else if (c == 's') {
      return total + value * 1'000'000;
    } else {
      return 0;
    }
  }
  return 0;
}

Json static_pods(cluster::Node& node, Deadline deadline) {
  Json state = event("state.static-pods", node.name());
  auto pods = read_static_pods(node, deadline);
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

Json etcd_state(ControlPlane& server, std::int64_t hash_revision, Deadline deadline) {
  Json state = event("state.etcd", server.node().name());
  state["reachable"] = false;
  state["healthy"] = server.etcd_health(deadline).outcome == Outcome::ok;
  auto status = server.etcd_json("/v3/maintenance/status", Json::object(), deadline);
  if (!status) {
    state["error"] = status.error().message();
    return state;
  }
  const Json& header = part(*status, "header");
  state["reachable"] = true;
  state["member_id"] = text_of(header, "member_id");
  state["leader_id"] = text_of(*status, "leader");
  state["is_learner"] = json_bool(*status, "isLearner");
  state["revision"] = number(header, "revision");
  state["raft_term"] = number(*status, "raftTerm");
  state["raft_index"] = number(*status, "raftIndex");
  state["version"] = json_string(*status, "version");
  add_members(server, state, deadline);
  add_alarms(server, state, deadline);
  if (hash_revision > 0) {
    add_hash(server, hash_revision, state, deadline);
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
  std::int64_t common = 0;
  for (const auto& server : access.servers()) {
    const std::int64_t revision = number(etcd_state(*server, 0, limit()), "revision");
    common = common == 0 || (revision > 0 && revision < common) ? revision : common;
  }
  for (const auto& server : access.servers()) {
    put(etcd_state(*server, common, limit()));
    put(static_pods(server->node(), limit()));
    put(nodes_state(access, &server->node(), limit()));
  }
  for (cluster::Node* node : access.nodes()) {
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
