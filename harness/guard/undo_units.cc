#include "harness/guard/undo_units.h"

#include <fmt/format.h>
#include <unistd.h>

#include "harness/guard/next_boot.h"

namespace harness::guard {
namespace {

constexpr std::chrono::milliseconds kToolLimit{20'000};

std::string timer_name(const std::string& id) {
  return "hookshot-rv-" + id;
}

std::string trigger_name(const std::string& id) {
  return "hookshot-trig-" + id;
}

Status run(const std::vector<std::string>& argv) {
  TRY_ASSIGN(const Finished finished, spawn(argv, kToolLimit), argv[0]);
  if (finished.ok()) {
    return {};
  }
  return fail(
      ErrorCode::remote_failed,
      fmt::format(
          "{} {}: {}", argv[0], argv[1], finished.timed_out ? "no answer in 20 s" : finished.err));
}

void stop_unit(const std::string& unit) {
  static_cast<void>(spawn({"systemctl", "stop", unit}, kToolLimit));
  static_cast<void>(spawn({"systemctl", "reset-failed", unit}, kToolLimit));
}

void set_again(const std::string& id) {
  if (const Status again = run(early(timer_command(id, kTryAgain))); !again) {
    audit(fmt::format("{} is not undone, and its timer cannot be set again: {}; `hookshot heal`",
                      id,
                      again.error().message()));
  }
}

}  // namespace

Activity activity_of_unit(const std::string& unit) {
  return activity_of(spawn({"systemctl", "is-active", unit}, kToolLimit));
}

Activity activity_of(const Result<Finished>& asked) {
  if (!asked || asked->timed_out || asked->signal != 0) {
    return Activity::unknown;
  }
  const std::string word = asked->out.substr(0, asked->out.find('\n'));
  if (word == "inactive" || word == "failed" || word == "unknown") {
    return Activity::inactive;
  }
  const bool known = word == "active" || word == "activating" || word == "deactivating" ||
                     word == "reloading" || word == "maintenance" || word == "refreshing";
  return known ? Activity::active : Activity::unknown;
}

std::vector<std::string> timer_command(const std::string& id, std::chrono::milliseconds after) {
  return {"systemd-run",
          "--quiet",
          "--collect",
          "--unit=" + timer_name(id),
          fmt::format("--on-active={}ms", after.count()),
          fmt::format("--on-unit-inactive={}s", kTryAgain.count()),
          "--timer-property=AccuracySec=50ms",
          "--property=OOMScoreAdjust=-1000",
          std::string(kGuardPath),
          "expire",
          id};
}

Status install_timer(const ArmRecord& record) {
  const std::string unit = timer_name(record.id);
  const std::vector<std::string> command = timer_command(record.id, record.ttl);
  TRY(run(record.trigger.next_boot ? early(command) : command), "install the undo timer");
  if (activity_of_unit(unit + ".timer") != Activity::active) {
    return fail(ErrorCode::remote_failed,
                fmt::format("the undo timer {}.timer was installed but is not active", unit));
  }
  return {};
}

std::vector<std::string> trigger_command(const ArmRecord& record) {
  const std::vector<std::string> command = {
      "systemd-run",
      "--quiet",
      "--collect",
      "--unit=" + trigger_name(record.id),
      "--service-type=notify",
      "--property=NotifyAccess=main",
      fmt::format("--property=RuntimeMaxSec={}ms", record.ttl.count() + 5000),
      "--property=KillMode=control-group",
      "--property=OnFailure=" + timer_name(record.id) + ".service",
      "--property=OOMScoreAdjust=-1000",
      "--property=LimitCORE=0",
      "--property=CPUWeight=10000",
      "--property=IOWeight=10000",
      "--property=TimeoutStartSec=20s",
      fmt::format("--property=TimeoutStopSec={}s", kTriggerDies.count()),
      std::string(kGuardPath),
      "trigger",
      record.id};
  return record.trigger.next_boot ? early(command) : command;
}

Status start_trigger(const ArmRecord& record) {
  const std::string unit = trigger_name(record.id);
  TRY(run(trigger_command(record)), "start the trigger");
  if (!record.trigger.now && activity_of_unit(unit + ".service") != Activity::active) {
    return fail(
        ErrorCode::remote_failed,
        fmt::format(
            "the trigger {}.service was started but is not active; see its journal on the node",
            unit));
  }
  return {};
}

bool ask_for_undo(const std::string& id) {
  const auto asked = spawn({"systemctl", "start", "--no-block", timer_name(id) + ".service"},
                           std::chrono::seconds(10));
  return asked && asked->ok();
}

void take_up_later(const std::string& id) {
  if (check_id("id", id) && timer_activity(id) != Activity::active) {
    set_again(id);
  }
}

void keep_trying(const std::string& id) {
  if (!check_id("id", id)) {
    return;
  }
  if (timer_activity(id) == Activity::active) {
    static_cast<void>(ask_for_undo(id));
  } else {
    set_again(id);
  }
}

Activity stopped(const std::string& unit) {
  stop_unit(unit);
  return activity_of_unit(unit);
}

void stop_trigger(const std::string& id) {
  stop_unit(trigger_name(id) + ".service");
}

void stop_timer(const std::string& id) {
  stop_unit(timer_name(id) + ".timer");
}

Activity trigger_activity(const std::string& id) {
  return activity_of_unit(trigger_name(id) + ".service");
}

Activity timer_activity(const std::string& id) {
  return activity_of_unit(timer_name(id) + ".timer");
}

bool stop_units(const std::string& id) {
  stop_trigger(id);
  stop_timer(id);
  return trigger_activity(id) == Activity::inactive && timer_activity(id) == Activity::inactive;
}

std::vector<std::string> units_left() {
  std::vector<std::string> out;
  const auto asked = spawn({"systemctl",
                            "list-units",
                            "--all",
                            "--plain",
                            "--no-legend",
                            "--no-pager",
                            "hookshot-hog-*",
                            "hookshot-rv-*",
                            "hookshot-trig-*"},
                           kToolLimit);
  if (!asked || !asked->ok()) {
    out.emplace_back("list of systemd, which did not answer");
    return out;
  }
  for (std::size_t at = 0; at < asked->out.size();) {
    const std::size_t end = std::min(asked->out.find('\n', at), asked->out.size());
    const std::string line = asked->out.substr(at, end - at);
    at = end + 1;
    const std::string name = line.substr(0, line.find(' '));
    if (name.starts_with("hookshot-")) {
      out.push_back(name);
    }
  }
  return out;
}

}  // namespace harness::guard
