// order-kept: in each invocation static pods are synced before hooks begin, and hooks end before
// the service says that it is ready. Releases before the fix of rancher/rke2#8269 do not promise
// it: there it is a hazard, not a failure. Source: RKE2 pkg/podexecutor/staticpod.go,
// apiserverSyncAndReady.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/check/check.h"

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

struct Order {
  std::int64_t started = 0;    // Running kube-apiserver
  std::int64_t synced = 0;     // first after the last "not synced"
  std::int64_t announced = 0;  // Kube API server is now running
  std::int64_t hook = 0;       // first hook's begin
  std::int64_t ready = 0;
};

void note(Order& order, const JournalLine& line) {
  const std::string& msg = line.line.msg;
  const auto first = [&](std::int64_t& slot) { slot = slot == 0 ? line.mono_us : slot; };
  if (msg.starts_with("Running kube-apiserver ")) {
    first(order.started);
  } else if (msg == "Pod for kube-apiserver is synced") {
    order.synced = line.mono_us;
  } else if (msg == "Kube API server is now running") {
    first(order.announced);
  } else if (msg == "Applying Cluster Role Bindings" || msg == "Setting runtimes") {
    first(order.hook);
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
  if (order.announced != 0 && (order.synced == 0 || order.announced < order.synced)) {
    return "kube-apiserver was announced before it was synced";
  }
  if (order.ready != 0 && order.hook != 0 && order.ready < order.hook) {
    return "the service said that it is ready before its hooks began";
  }
  return {};
}

Finding judge(const TrialFacts& facts) {
  if (!facts.to) {
    return unproven("the target version is not known");
  }
  std::size_t judged = 0;
  std::string hazard;
  for (const std::string& node : facts.nodes()) {
    for (const std::string& invocation : facts.new_invocations(node)) {
      Order order;
      for (const JournalLine& line : facts.journal) {
        if (line.node == node && line.invocation == invocation && line.ident == "rke2") {
          note(order, line);
        }
      }
      if (order.started == 0) {
        continue;
      }
      ++judged;
      const std::string problem = broken(order);
      if (!problem.empty() && promised(*facts.to)) {
        return failed(fmt::format("{}, invocation {}: {}", node, invocation.substr(0, 8), problem));
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

}  // namespace

Check order_kept() {
  return {"order-kept", "Did hooks wait for the static pods, and readiness for the hooks?", judge};
}

}  // namespace harness::check
