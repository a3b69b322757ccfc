#include "harness/upgrade/rolling.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/time.h"
#include "harness/observe/ask.h"
#include "harness/observe/state.h"

namespace harness::upgrade {
namespace {

constexpr const char* kTimedOut = "timed-out";

// One step with its two events. `details` adds to the second one.
class Step {
 public:
  Step(const Rollout& rollout, const char* name, const std::string& node, const Version& version)
      : sink_(rollout.sink),
        event_{{"step", name}, {"node", node}, {"version", version.tag()}},
        began_(std::chrono::steady_clock::now()) {
    put("step.started", event_);
  }

  void finish(const Error* error, const Json& details = Json::object()) {
    Json event = event_;
    event["ok"] = error == nullptr;
    if (error != nullptr) {
      event["error"] = error->message();
    }
    event["duration_us"] =
        std::chrono::duration_cast<Microseconds>(std::chrono::steady_clock::now() - began_).count();
    event.update(details);
    put("step.finished", std::move(event));
  }

 private:
  void put(const char* type, Json event) {
    if (sink_) {
      event["type"] = type;
      sink_(std::move(event));
    }
  }

  const observe::Sink& sink_;
  Json event_;
  std::chrono::steady_clock::time_point began_;
};

template <typename T>
const Error* error_of(const Result<T>& result) {
  return result ? nullptr : &result.error();
}

Json job_details(const RestartOutcome& outcome) {
  Json details{{"job_result", outcome.job_result},
               {"ok", outcome.ok},
               {"rebooted", outcome.rebooted},
               {"invocation", outcome.after.invocation}};
  if (outcome.job_result != "lost" && outcome.job_result != "rebooted") {
    details["exit_status"] = outcome.exit_status;
  }
  if (!outcome.ok) {
    details["error"] = outcome.text;
  }
  return details;
}

Json no_job_details(const Error& error) {
  return error.code() == ErrorCode::timed_out ? Json{{"job_result", kTimedOut}} : Json::object();
}

Status not_stopped(const Rollout& rollout, const cluster::Node& node, const char* before) {
  if (rollout.stop.stop_requested()) {
    return fail(ErrorCode::refused,
                fmt::format("interrupted before {}; {} was not restarted", before, node.unit()));
  }
  return {};
}

// What an old etcd cannot read is not tried.
Status check_direction(const std::string& node, const std::string& disk, const Version& version) {
  const auto from = Version::parse(disk);
  if (!from) {
    return {};
  }
  const bool same_line = from->major == version.major && from->minor == version.minor;
  const bool next_line = from->major == version.major && from->minor + 1 == version.minor;
  if (same_line || next_line) {
    return {};
  }
  return fail(
      ErrorCode::refused,
      fmt::format("{} has {}: {} is not reached from there in one step (only within a minor "
                  "line, or to the next one)",
                  node,
                  disk,
                  version.tag()));
}

Status install(const Rollout& rollout,
               cluster::Node& node,
               const Version& version,
               Deadline deadline) {
  TRY(not_stopped(rollout, node, "the install"), "upgrade " + node.name());
  Step step(rollout, "install", node.name(), version);
  auto installed =
      rollout.method.install(node, version, deadline.at_most(rollout.install_limit), rollout.stop);
  step.finish(error_of(installed));
  TRY(installed, "install " + version.tag() + " on " + node.name());
  // Without this a node that reboots comes back without its service; the installer leaves it out.
  TRY(observe::output_of(node, {"systemctl", "enable", node.unit()}, deadline),
      "enable " + node.unit());
  return {};
}

}  // namespace

std::vector<cluster::Node*> rolling_order(const std::vector<cluster::Node*>& nodes) {
  std::vector<cluster::Node*> order = nodes;
  std::stable_partition(
      order.begin(), order.end(), [](const cluster::Node* node) { return node->is_server(); });
  return order;
}

bool NodeVersion::matches(const Version& version) const {
  return disk == version.tag() && running == version.tag() && kubelet == version.kubelet_version();
}

std::string NodeVersion::describe() const {
  const auto or_none = [](const std::string& text) { return text.empty() ? "none" : text; };
  return fmt::format(
      "on disk {}, running {}, kubelet {}", or_none(disk), or_none(running), or_none(kubelet));
}

Result<NodeVersion> read_version(const observe::Access& access,
                                 cluster::Node& node,
                                 Deadline deadline) {
  NodeVersion found;
  auto installed = observe::read_installed(node, deadline);
  if (!installed && installed.error().code() == ErrorCode::not_supported) {
    return found;
  }
  if (!installed) {
    return fail(std::move(installed).error(), "read the version of " + node.name());
  }
  found.disk = installed->version;
  TRY_ASSIGN(const observe::UnitState unit,
             observe::read_unit(node, deadline),
             "read the version of " + node.name());
  if (unit.active != "active") {
    return found;
  }
  TRY_ASSIGN(found.running,
             observe::running_build(node, unit.invocation, deadline),
             "read the version of " + node.name());
  const Json state = observe::nodes_state(access, &node, deadline);
  if (state.contains("nodes")) {
    if (const Json* row = observe::find_node(state["nodes"], node); row != nullptr) {
      found.kubelet = json_string(*row, "kubelet_version");
    }
  }
  return found;
}

Result<NodeUpgrade> upgrade_node(const Rollout& rollout,
                                 cluster::Node& node,
                                 const Version& version,
                                 Deadline deadline) {
  if (!rollout.in_place) {
    TRY(install(rollout, node, version, deadline), "");
  }
  TRY(not_stopped(rollout, node, "the restart"), "upgrade " + node.name());
  NodeUpgrade result;
  {
    Step step(rollout, "restart", node.name(), version);
    const Deadline limit = deadline.at_most(rollout.restart_limit);
    auto restarted =
        rollout.by_reboot ? reboot(node, limit, rollout.stop) : restart(node, limit, rollout.stop);
    step.finish(error_of(restarted),
                restarted ? job_details(*restarted) : no_job_details(restarted.error()));
    if (!restarted && restarted.error().code() != ErrorCode::timed_out) {
      return fail(std::move(restarted).error(), "upgrade " + node.name());
    }
    if (!restarted) {
      result.restart.job_result = kTimedOut;
      result.restart.text = restarted.error().message();
      result.not_ready = restarted.error().message();
      return result;
    }
    result.restart = std::move(*restarted);
  }
  Step step(rollout, "settle", node.name(), version);
  const Status ready = wait_ready(
      rollout.access, node, version, deadline.at_most(rollout.ready_limit), rollout.stop);
  step.finish(error_of(ready));
  if (!ready && (ready.error().code() != ErrorCode::timed_out || !node.connected())) {
    return fail(ready.error(), "upgrade " + node.name());
  }
  if (!ready) {
    result.not_ready = ready.error().message();
  }
  return result;
}

Result<std::vector<std::pair<std::string, NodeUpgrade>>> roll(
    const Rollout& rollout,
    const Version& version,
    Deadline deadline,
    const std::function<bool(const cluster::Node&)>& go_on) {
  std::vector<std::pair<std::string, NodeUpgrade>> done;
  for (cluster::Node* node : rolling_order(rollout.access.nodes())) {
    if (go_on && !go_on(*node)) {
      break;
    }
    TRY_ASSIGN(
        NodeUpgrade upgraded, upgrade_node(rollout, *node, version, deadline), version.tag());
    const bool ready = upgraded.not_ready.empty();
    done.emplace_back(node->name(), std::move(upgraded));
    if (!ready) {
      break;
    }
  }
  return done;
}

Status bring_to(const Rollout& rollout, const Version& version, Deadline deadline) {
  TRY(rollout.method.verify(version), "baseline " + version.tag());
  std::vector<cluster::Node*> wanting;
  for (cluster::Node* node : rolling_order(rollout.access.nodes())) {
    TRY_ASSIGN(const NodeVersion found,
               read_version(rollout.access, *node, deadline),
               "baseline " + version.tag());
    TRY(check_direction(node->name(), found.disk, version), "baseline " + version.tag());
    if (!found.matches(version)) {
      wanting.push_back(node);
    }
  }
  Rollout installing = rollout;
  installing.in_place = false;
  installing.by_reboot = false;
  for (cluster::Node* node : wanting) {
    Step step(rollout, "baseline", node->name(), version);
    auto upgraded = upgrade_node(installing, *node, version, deadline);
    Status done;
    if (!upgraded) {
      done = fail(std::move(upgraded).error());
    } else if (!upgraded->not_ready.empty()) {
      done = fail(ErrorCode::timed_out, upgraded->not_ready);
    }
    step.finish(error_of(done));
    TRY(done, "baseline " + version.tag());
  }
  Step step(rollout, "settle", "", version);
  auto settled = settle(rollout.access, rollout.settle, deadline, rollout.stop);
  step.finish(error_of(settled),
              settled ? Json{{"waited_for", settled->waited_for}} : Json::object());
  TRY(settled, "baseline " + version.tag());
  return {};
}

}  // namespace harness::upgrade
