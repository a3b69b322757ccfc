// healed: every fault is undone and verified, and nothing of ours is left on any node. What is left
// is the harness's failure: an error.

#include <fmt/format.h>

#include "harness/check/check.h"

namespace harness::check {
namespace {

// Not the product's fault, so never a fail.
Finding dirty(std::string reason) {
  return {Verdict::error, std::move(reason), std::nullopt};
}

Finding judge(const TrialFacts& facts) {
  for (const FaultFact* fault : facts.records()) {
    if (fault->state == "DIRTY") {
      return dirty(
          fmt::format("the fault on {} could not be undone: {}", fault->node, fault->reason));
    }
  }
  for (const Step& step : facts.steps) {
    if (step.name == "heal" && !step.ok) {
      return dirty(fmt::format("{}: {}", step.node.empty() ? "heal" : step.node, step.error));
    }
  }
  const auto states = facts.state("state.clean");
  if (states.empty()) {
    return unproven("no node was asked whether it is clean");
  }
  for (const auto& [node, state] : states) {
    if (state->contains("error")) {
      return unproven(fmt::format(
          "{} could not be asked whether it is clean: {}", node, json_string(*state, "error")));
    }
    const auto left = state->find("left");
    if (left == state->end() || !left->is_array()) {
      return unproven(fmt::format("{} did not say what is left on it", node));
    }
    if (!left->empty()) {
      return dirty(fmt::format("{} still has {}", node, left->dump()));
    }
  }
  return pass("nothing is left on any node");
}

}  // namespace

Check healed() {
  return {"healed", "Is every fault undone, verified, and nothing left?", judge};
}

}  // namespace harness::check
