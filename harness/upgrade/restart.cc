#include "harness/upgrade/restart.h"

#include <array>

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/observe/ask.h"
#include "harness/observe/state.h"

namespace harness::upgrade {
namespace {

constexpr std::chrono::milliseconds kPeriod{500};
constexpr std::chrono::seconds kLastLook{5};
constexpr std::chrono::seconds kOneLook{15};

Status connect(cluster::Node& node, Deadline deadline) {
  TRY(cluster::connect_again(node, deadline), "connect to " + node.name());
  return {};
}

// running, degraded, starting, stopping, ...; its exit status says the same once more.
Result<std::string> system_state(cluster::Node& node, Deadline deadline) {
  TRY_ASSIGN(const exec::CommandResult result,
             node.run(observe::words({"systemctl", "is-system-running"}), deadline),
             "ask whether the boot is over");
  return observe::trimmed(result.out);
}

// While a node goes down or comes up, systemd's bus and sudo refuse for a moment: only what waiting
// cannot change ends it.
bool transient(const Error& error) {
  return error.code() == ErrorCode::unreachable || error.code() == ErrorCode::timed_out ||
         error.code() == ErrorCode::remote_failed;
}

enum class Await { rest, boot };

// One look at a node whose restart was cut off: done when its unit has come to rest, and where a
// boot is awaited, in another one.
Result<Observation> look_after_loss(cluster::Node& node,
                                    Await await,
                                    RestartOutcome& outcome,
                                    Deadline deadline) {
  const auto not_yet = [](const Error& error) -> Result<Observation> {
    if (transient(error)) {
      return Observation{.done = false, .seen = error.message()};
    }
    return fail(error);
  };
  if (const Status back = connect(node, deadline); !back) {
    return not_yet(back.error());
  }
  auto unit = observe::read_unit(node, deadline);
  if (!unit) {
    return not_yet(unit.error());
  }
  outcome.after = *unit;
  outcome.rebooted = unit->boot_id != outcome.before.boot_id;
  if (await == Await::boot && !outcome.rebooted) {
    return Observation{.done = false, .seen = "still in the boot before, " + unit->describe()};
  }
  const bool anew = outcome.rebooted || unit->invocation != outcome.before.invocation;
  if (unit->active == "active" && unit->job.empty() && anew) {
    outcome.ok = true;
    return Observation{.done = true, .seen = unit->describe()};
  }
  auto system = system_state(node, deadline);
  if (!system) {
    return not_yet(system.error());
  }
  // At rest, and not because it came up: nothing will move it any more.
  const bool at_rest = unit->active != "activating" && unit->active != "deactivating" &&
                       unit->job.empty() && (*system == "running" || *system == "degraded");
  return Observation{.done = at_rest, .seen = unit->describe() + ", system " + *system};
}

Status recover(cluster::Node& node,
               Await await,
               RestartOutcome& outcome,
               Deadline deadline,
               std::stop_token stop) {
  const Status settled = eventually(
      node.name() + " comes back and its " + node.unit() + " settles",
      deadline,
      kPeriod,
      [&] { return look_after_loss(node, await, outcome, deadline.at_most(kOneLook)); },
      std::move(stop));
  if (!settled) {
    Error error = settled.error();
    // A node that stays away is the lab's business; one that is there and restless is the
    // product's.
    if (error.code() == ErrorCode::timed_out && !node.connected()) {
      error = Error(ErrorCode::unreachable,
                    fmt::format("{}. {} stays away: see its console and power, and once it is "
                                "back, `hookshot heal` says whether anything is left there",
                                error.message(),
                                node.name()));
    }
    return fail(std::move(error),
                await == Await::boot ? "reboot " + node.name()
                                     : "restart " + node.unit() + ": the connection was lost");
  }
  if (!outcome.ok) {
    outcome.text = outcome.after.invocation == outcome.before.invocation && !outcome.rebooted
                       ? "the restart did not reach systemd"
                       : node.unit() + " is " + outcome.after.describe();
  }
  return {};
}

std::string last_seen(cluster::Node& node) {
  auto unit = observe::read_unit(node, Deadline::after(kLastLook));
  return unit ? unit->describe() : unit.error().message();
}

// What systemctl says of a job that did not succeed (systemd's bus-wait-for-jobs.c), in the words
// of the job's own result.
std::string job_result(const std::string& text) {
  constexpr std::array<std::pair<std::string_view, const char*>, 6> kWords = {{
      {" canceled.", "canceled"},
      {" timed out.", "timeout"},
      {"A dependency job for ", "dependency"},
      {"Assertion failed on job for ", "assert"},
      {" was garbage collected.", "collected"},
      {" was started already once", "once"},
  }};
  for (const auto& [words, result] : kWords) {
    if (text.find(words) != std::string::npos) {
      return result;
    }
  }
  return "failed";
}

Microseconds since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration_cast<Microseconds>(std::chrono::steady_clock::now() - began);
}

Error canceled(const cluster::Node& node, const RestartOutcome& outcome, const std::string& doing) {
  return {ErrorCode::remote_failed,
          fmt::format("{}: somebody else canceled systemd's job ({}); the unit is {}. That says "
                      "nothing about RKE2: see who stopped or restarted it (journalctl --unit {} "
                      "there), keep others off the node, and run again",
                      doing,
                      outcome.text,
                      outcome.after.describe(),
                      node.unit())};
}

// What still keeps a node from being ready; empty: nothing.
std::string not_ready_because(const observe::Access& access,
                              cluster::Node& node,
                              const Version& version,
                              Deadline deadline) {
  if (const Status back = connect(node, deadline); !back) {
    return back.error().message();
  }
  auto unit = observe::read_unit(node, deadline);
  if (!unit) {
    return unit.error().message();
  }
  if (unit->active != "active" || !unit->job.empty()) {
    return node.unit() + " is " + unit->describe();
  }
  const auto said = [](const observe::Answer& answer) {
    return answer.error.empty()
               ? fmt::format("HTTP {} {}", answer.status, answer.body.substr(0, 120))
               : answer.error;
  };
  if (observe::ControlPlane* server = access.of(node)) {
    const observe::Answer supervisor = server->supervisor(deadline);
    if (supervisor.outcome != observe::Outcome::ok) {
      return "supervisor: " + said(supervisor);
    }
    const observe::Answer ready = server->apiserver("/readyz", deadline);
    if (ready.outcome != observe::Outcome::ok) {
      return "apiserver: " + said(ready);
    }
  }
  const Json state = observe::nodes_state(access, &node, deadline);
  if (!state.contains("nodes")) {
    return "nodes: " + json_string(state, "error");
  }
  const Json* row = observe::find_node(state["nodes"], node);
  if (row == nullptr) {
    return "the cluster does not know " + node.name();
  }
  if (!json_bool(*row, "ready")) {
    return node.name() + " is not Ready";
  }
  const std::string kubelet = json_string(*row, "kubelet_version");
  return kubelet == version.kubelet_version()
             ? std::string()
             : fmt::format("kubelet is {}, not {}", kubelet, version.kubelet_version());
}

}  // namespace

Result<RestartOutcome> restart(cluster::Node& node, Deadline deadline, std::stop_token stop) {
  const auto began = std::chrono::steady_clock::now();
  const std::string doing = fmt::format("restart {} on {}", node.unit(), node.name());
  if (stop.stop_requested()) {
    return fail(ErrorCode::refused, doing + ": interrupted before it began");
  }
  RestartOutcome outcome;
  TRY_ASSIGN(outcome.before, observe::read_unit(node, deadline), "before the restart");
  auto job = node.run(observe::words({"systemctl", "restart", node.unit()}), deadline, stop);
  if (!job && stop.stop_requested() && job.error().code() == ErrorCode::refused) {
    return fail(ErrorCode::refused, doing + ": interrupted; systemd's job goes on there by itself");
  }
  if (!job && (job.error().code() == ErrorCode::timed_out || deadline.passed())) {
    return fail(
        ErrorCode::timed_out,
        fmt::format(
            "{}: systemd's job did not end in time; last seen: {}", doing, last_seen(node)));
  }
  if (!job && job.error().code() != ErrorCode::unreachable) {
    return fail(std::move(job).error(), doing);
  }
  bool lost = !job;
  if (job) {
    outcome.ok = job->ok();
    outcome.exit_status = job->exit_status;
    outcome.text = observe::trimmed(job->err.empty() ? job->out : job->err);
    outcome.job_result = outcome.ok ? "done" : job_result(outcome.text);
    auto system = outcome.ok ? Result<std::string>("running") : system_state(node, deadline);
    auto unit = observe::read_unit(node, deadline);
    // A shutdown cancels the job first and cuts the connection after.
    lost = !unit || !system || *system == "stopping";
    if (unit) {
      outcome.after = *unit;
    }
  }
  if (!lost && outcome.job_result == "canceled") {
    return fail(canceled(node, outcome, doing));
  }
  if (lost) {
    outcome.ok = false;
    outcome.job_result = "lost";
    TRY(recover(node, Await::rest, outcome, deadline, std::move(stop)), node.name());
  }
  outcome.duration = since(began);
  return outcome;
}

Result<RestartOutcome> reboot(cluster::Node& node, Deadline deadline, std::stop_token stop) {
  const auto began = std::chrono::steady_clock::now();
  const std::string doing = "reboot " + node.name();
  if (stop.stop_requested()) {
    return fail(ErrorCode::refused, doing + ": interrupted before it began");
  }
  RestartOutcome outcome;
  outcome.job_result = "rebooted";
  TRY_ASSIGN(outcome.before, observe::read_unit(node, deadline), "before the reboot");
  // A stop does not call it back, and the answer may go down with the connection.
  const auto asked = node.run(observe::words({"systemctl", "reboot"}), deadline);
  if (asked && !asked->ok()) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{}: systemctl reboot: exit status {}: {}",
                            doing,
                            asked->exit_status,
                            observe::trimmed(asked->err)));
  }
  if (!asked && asked.error().code() != ErrorCode::unreachable) {
    return fail(asked.error(), doing);
  }
  TRY(recover(node, Await::boot, outcome, deadline, std::move(stop)), node.name());
  outcome.duration = since(began);
  return outcome;
}

Status wait_ready(const observe::Access& access,
                  cluster::Node& node,
                  const Version& version,
                  Deadline deadline,
                  std::stop_token stop) {
  return eventually(
      node.name() + " is ready with " + version.tag(),
      deadline,
      kPeriod,
      [&]() -> Result<Observation> {
        std::string why = not_ready_because(access, node, version, deadline.at_most(kOneLook));
        const bool done = why.empty();
        return Observation{.done = done, .seen = std::move(why)};
      },
      std::move(stop));
}

}  // namespace harness::upgrade
