// healed: every fault is undone and verified, and nothing of ours is left on any node.

#include <fmt/format.h>

#include "harness/check/check.h"

namespace harness::check {
namespace {

Finding judge(const TrialFacts& facts) {
  const auto states = facts.state("state.clean");
  if (states.empty()) {
    return unproven("no node was asked whether it is clean");
  }
  for (const auto& [node, state] : states) {
    if (state->contains("error")) {
      return unproven(fmt::format(
          "{} could not be asked whether it is clean: {}", node, json_string(*state, "error")));
    }
    const Json left = state->value("left", Json::array());
    if (!left.empty()) {
      return failed(fmt::format("{} still has {}", node, left.dump()));
    }
  }
  return pass("nothing is left on any node");
}

}  // namespace

Check healed() {
  return {"healed", "Is every fault undone, verified, and nothing left?", judge};
}

}  // namespace harness::check
