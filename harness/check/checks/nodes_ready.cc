// nodes-ready: each node is Ready, at the target's kubelet version, with a lease renewed after the
// fault, and no node is lost.

#include <algorithm>

#include <fmt/format.h>

#include "harness/check/check.h"

namespace harness::check {
namespace {

Finding one_node(const TrialFacts& facts, const Json& node, std::int64_t asked_us) {
  const std::string name = json_string(node, "name");
  if (!json_bool(node, "ready")) {
    return failed(fmt::format("{} is not Ready", name));
  }
  if (facts.to && json_string(node, "kubelet_version") != facts.to->kubelet_version()) {
    return failed(fmt::format("{} runs kubelet {}, {} is wanted",
                              name,
                              json_string(node, "kubelet_version"),
                              facts.to->kubelet_version()));
  }
  const std::int64_t renewed = json_int(node, "lease_renewed_us");
  if (renewed == 0) {
    return unproven(fmt::format("the lease of {} is not known", name));
  }
  if (facts.to_controller(name, renewed) < asked_us) {
    return failed(fmt::format("{} has not renewed its lease since the fault", name));
  }
  return pass();
}

// A Ready node says nothing of a service that hangs in its start.
Finding units(const TrialFacts& facts) {
  Finding worst = pass();
  for (const auto& [node, state] : facts.state("state.unit")) {
    if (state->contains("error")) {
      keep_worst(worst,
                 unproven(fmt::format(
                     "the unit of {} could not be read: {}", node, json_string(*state, "error"))));
    } else if (json_string(*state, "active") != "active") {
      keep_worst(worst,
                 failed(fmt::format("the service of {} is {} ({}) at the end",
                                    node,
                                    json_string(*state, "active"),
                                    json_string(*state, "sub"))));
    }
  }
  return worst;
}

const Json* answer_of(const std::map<std::string, const Json*>& states) {
  for (const auto& [node, state] : states) {
    if (!state->contains("error")) {
      return state;
    }
  }
  return nullptr;
}

// A node may call itself otherwise than the inventory does: then its address is its name.
bool is_among(const Json& nodes, const Json& wanted) {
  const std::string name = json_string(wanted, "name");
  const std::string address = json_string(wanted, "address");
  return std::ranges::any_of(nodes, [&](const Json& node) {
    const Json addresses = node.value("addresses", Json::array());
    return json_string(node, "name") == name ||
           std::ranges::find(addresses, Json(address)) != addresses.end();
  });
}

Finding all_nodes(const TrialFacts& facts) {
  const auto states = facts.state("state.nodes");
  if (states.empty()) {
    return unproven("the cluster was not asked for its nodes after the fault");
  }
  const Json* state = answer_of(states);
  if (state == nullptr) {
    return unproven("the cluster could not be asked for its nodes: " +
                    json_string(*states.begin()->second, "error"));
  }
  const Json nodes = state->value("nodes", Json::array());
  std::size_t expected = 0;
  if (const Json* before = answer_of(facts.state("state.nodes", "before"))) {
    expected = before->value("nodes", Json::array()).size();
  }
  if (nodes.empty() || nodes.size() < expected) {
    return failed(fmt::format("the cluster has {} node(s), it had {}", nodes.size(), expected));
  }
  for (const Json& wanted : facts.inventory) {
    if (!is_among(nodes, wanted)) {
      return failed(fmt::format("{} of the inventory is no node of the cluster",
                                json_string(wanted, "name")));
    }
  }
  Finding worst = pass(fmt::format(
      "{} node(s) Ready at {}", nodes.size(), facts.to ? facts.to->kubelet_version() : "?"));
  for (const Json& node : nodes) {
    keep_worst(worst, one_node(facts, node, facts.reference_us(json_string(node, "name"))));
  }
  return worst;
}

Finding judge(const TrialFacts& facts) {
  Finding worst = all_nodes(facts);
  keep_worst(worst, units(facts));
  return worst;
}

}  // namespace

Check nodes_ready() {
  return {"nodes-ready", "Is every node Ready at the target version?", judge};
}

}  // namespace harness::check
