// nodes-ready: each node is Ready, at the target's kubelet version, with a lease renewed after the
// fault.

#include <fmt/format.h>

#include "harness/check/check.h"

namespace harness::check {
namespace {

Finding judge(const TrialFacts& facts) {
  const auto states = facts.state("state.nodes");
  if (states.empty()) {
    return unproven("the cluster was not asked for its nodes after the fault");
  }
  const Json& state = *states.begin()->second;
  if (state.contains("error")) {
    return unproven("the cluster could not be asked for its nodes: " + json_string(state, "error"));
  }
  const Json nodes = state.value("nodes", Json::array());
  if (nodes.empty()) {
    return failed("the cluster has no nodes");
  }
  for (const Json& node : nodes) {
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
    if (facts.to_controller(name, renewed) < facts.reference_us()) {
      return failed(fmt::format("{} has not renewed its lease since the fault", name));
    }
  }
  return pass(fmt::format(
      "{} node(s) Ready at {}", nodes.size(), facts.to ? facts.to->kubelet_version() : "?"));
}

}  // namespace

Check nodes_ready() {
  return {"nodes-ready", "Is every node Ready at the target version?", judge};
}

}  // namespace harness::check
