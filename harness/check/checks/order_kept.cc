// order-kept: in each invocation static pods are synced before hooks begin, and hooks end before
// the service says that it is ready. Releases before the fix of rancher/rke2#8269 do not promise
// it: there it is a hazard, not a failure. Source: RKE2 pkg/podexecutor/staticpod.go,
// apiserverSyncAndReady.

#include <array>

#include <fmt/format.h>

#include "harness/check/check.h"
#include "harness/check/sight.h"

namespace harness::check {
namespace {

bool promised(const Version& version) {
  const std::array<std::array<int, 3>, 4> fixed = {
      {{1, 30, 13}, {1, 31, 9}, {1, 32, 5}, {1, 33, 1}}};
  for (const auto& [major, minor, patch] : fixed) {
    if (version.major == major && version.minor == minor) {
      return version.patch >= patch;
    }
  }
  return version.major > 1 || version.minor >= 34;
}

// Positions in the journal, counted from 1; 0: not seen.
struct Order {
  std::size_t started = 0;  // Running kube-apiserver
  std::size_t synced = 0;   // first one that no "not synced" took back before the hooks
  std::size_t hook = 0;     // readiness announced, or the first hook's begin
  std::size_t applied = 0;  // last hook's end
  std::size_t ready = 0;
};

void note(Order& order, const std::string& msg, std::size_t at) {
  const auto first = [&](std::size_t& slot) { slot = slot == 0 ? at : slot; };
  if (msg.starts_with("Running kube-apiserver ")) {
    first(order.started);
  } else if (msg == "Pod for kube-apiserver is synced") {
    first(order.synced);
  } else if (msg.starts_with("Pod for ") && msg.find(" not synced (") != std::string::npos) {
    order.synced = order.hook == 0 ? 0 : order.synced;
  } else if (msg == "Kube API server is now running" || msg == "Applying Cluster Role Bindings" ||
             msg == "Setting runtimes") {
    first(order.hook);
  } else if (msg == "Cluster Role Bindings applied successfully") {
    order.applied = at;
  } else if (msg == "rke2 is up and running") {
    first(order.ready);
  }
}

std::string broken(const Order& order) {
  if (order.synced != 0 && order.started != 0 && order.synced < order.started) {
    return "kube-apiserver counted as synced before its new manifest was on the way (an early poll "
           "saw the old pods)";
  }
  if (order.hook != 0 && (order.synced == 0 || order.hook < order.synced)) {
    return "hooks began before kube-apiserver was synced";
  }
  if (order.ready != 0 && order.applied > order.ready) {
    return "the service said that it is ready before its hooks had ended";
  }
  return {};
}

Finding found(const TrialFacts& facts) {
  if (!facts.to) {
    return unproven("the target version is not known");
  }
  std::size_t judged = 0;
  std::string hazard;
  for (const std::string& node : facts.nodes()) {
    for (const Invocation* one : facts.new_invocations(node)) {
      Order order;
      std::size_t at = 0;
      for (const JournalLine& line : facts.journal) {
        ++at;
        if (line.node == node && line.invocation == one->id && line.ident == "rke2") {
          note(order, line.line.msg, at);
        }
      }
      if (order.started == 0) {
        continue;
      }
      ++judged;
      const std::string problem = broken(order);
      if (!problem.empty() && promised(*facts.to)) {
        return failed(fmt::format("{}, invocation {}: {}", node, one->id.substr(0, 8), problem));
      }
      hazard = problem.empty() ? hazard
                               : fmt::format("hazard on {}: {}; {} does not promise the order",
                                             node,
                                             problem,
                                             facts.to->tag());
    }
  }
  if (judged == 0) {
    return unproven("no start of a server was seen in the journal");
  }
  return pass(hazard.empty() ? fmt::format("in {} start(s)", judged) : hazard);
}

Finding judge(const TrialFacts& facts) {
  return unless_blind(facts, found(facts), {"journal-problem"});
}

}  // namespace

Check order_kept() {
  return {"order-kept", "Did hooks wait for the static pods, and readiness for the hooks?", judge};
}

}  // namespace harness::check
