#include "harness/run/healthy_start.h"

#include <algorithm>

#include "harness/observe/state.h"
#include "harness/observe/unit_state.h"
#include "harness/upgrade/rolling.h"

namespace harness::run {
namespace {

constexpr std::chrono::seconds kOneLook{20};

Result<std::vector<cluster::Node*>> members(const observe::Access& access, Deadline deadline) {
  std::vector<cluster::Node*> running;
  for (cluster::Node* node : access.nodes()) {
    TRY_ASSIGN(const observe::UnitState unit,
               observe::read_unit(*node, deadline.at_most(kOneLook)),
               "is " + node->unit() + " of " + node->name() + " running");
    if (unit.active != "inactive" && unit.load != "not-found") {
      running.push_back(node);
    }
  }
  if (running.empty()) {
    return running;
  }
  const Json known = observe::nodes_state(access, running.front(), deadline.at_most(kOneLook));
  std::vector<cluster::Node*> out = access.nodes();
  std::erase_if(out, [&](cluster::Node* node) {
    const bool listed =
        known.contains("nodes") && observe::find_node(known["nodes"], *node) != nullptr;
    return !listed && std::ranges::find(running, node) == running.end();
  });
  return out;
}

Status look(const observe::Access& access, Deadline deadline, const std::stop_token& stop) {
  TRY_ASSIGN(std::vector<cluster::Node*> nodes, members(access, deadline), "look at the cluster");
  if (nodes.empty()) {
    return {};
  }
  const observe::Access those(access.cluster(), std::move(nodes));
  const auto settled = upgrade::settle(
      those, {.quiet = std::chrono::milliseconds(0), .wait_for_back_off = false}, deadline, stop);
  return settled ? Status() : fail(settled.error());
}

}  // namespace

Status healthy_start(const observe::Access& access,
                     const observe::Sink& sink,
                     Deadline deadline,
                     const std::stop_token& stop) {
  sink({{"type", "step.started"}, {"step", "healthy-start"}});
  const auto began = std::chrono::steady_clock::now();
  Status status = look(access, deadline, stop);
  Json finished = {
      {"type", "step.finished"},
      {"step", "healthy-start"},
      {"ok", status.has_value()},
      {"duration_us",
       std::chrono::duration_cast<Microseconds>(std::chrono::steady_clock::now() - began).count()}};
  if (!status) {
    finished["error"] = status.error().message();
  }
  sink(std::move(finished));
  if (!status && !stop.stop_requested()) {
    return fail(status.error().code(),
                "the cluster is sick before anything was done to it: " + status.error().message() +
                    "; mend it (journalctl -u rke2-server on the node named) and run again");
  }
  return status;
}

}  // namespace harness::run
