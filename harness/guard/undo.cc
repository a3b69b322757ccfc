#include "harness/guard/undo.h"

#include <fmt/format.h>
#include <unistd.h>

#include "harness/guard/action.h"
#include "harness/guard/action_hold.h"
#include "harness/guard/next_boot.h"
#include "harness/guard/signals.h"

namespace harness::guard {
namespace {

constexpr std::chrono::milliseconds kToolLimit{20'000};

constexpr const char* kBootUnitText =
    "[Unit]\n"
    "Description=Hookshot: take back what was armed when this node went down\n"
    "DefaultDependencies=no\n"
    "After=local-fs.target\n"
    "Before=network-pre.target rke2-server.service rke2-agent.service\n"
    "ConditionDirectoryNotEmpty=/var/lib/hookshot/armed\n"
    "ConditionFileIsExecutable=/var/lib/hookshot/guard\n"
    "\n"
    "[Service]\n"
    "Type=oneshot\n"
    "ExecStart=/var/lib/hookshot/guard boot\n"
    "TimeoutStartSec=30\n"
    "\n"
    "[Install]\n"
    "WantedBy=multi-user.target\n";

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

Activity activity(const std::string& unit) {
  return activity_of(spawn({"systemctl", "is-active", unit}, kToolLimit));
}

void stop_unit(const std::string& unit) {
  static_cast<void>(spawn({"systemctl", "stop", unit}, kToolLimit));
  static_cast<void>(spawn({"systemctl", "reset-failed", unit}, kToolLimit));
}

// In the same boot a reboot that was asked for still comes; after this long it does not any more.
constexpr std::int64_t kRebootComesUs = 300LL * 1000 * 1000;

}  // namespace

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

bool reboot_is_under_way(const RecordState& state) {
  // Whether the power goes, its controller knows, and it heals only when that is decided.
  return state.record.action.kind == Action::Kind::reboot && state.record.action.how != "power" &&
         state.state() == "APPLYING" &&
         json_string(state.progress.value("evidence", Json::object()), "boot_id_before") ==
             boot_id() &&
         now().mono_us - json_int(state.progress.value("begun", Json::object()), "mono_us") <
             kRebootComesUs;
}

void settle_outcome(RecordState& state, const std::string& why) {
  if (!state.outcome().empty()) {
    return;
  }
  const bool perhaps = state.state() == "APPLYING";
  state.progress["outcome"] = "expired";
  state.progress["reason"] =
      perhaps ? "may have been applied: it was taken back while it was being applied (" + why + ")"
              : why;
}

const char* boot_unit_text() {
  return kBootUnitText;
}

Status install_timer(const ArmRecord& record) {
  const std::string unit = timer_name(record.id);
  const std::vector<std::string> command = {"systemd-run",
                                            "--quiet",
                                            "--collect",
                                            "--unit=" + unit,
                                            fmt::format("--on-active={}ms", record.ttl.count()),
                                            "--timer-property=AccuracySec=50ms",
                                            std::string(kGuardPath),
                                            "expire",
                                            record.id};
  TRY(run(record.trigger.next_boot ? early(command) : command), "install the undo timer");
  if (activity(unit + ".timer") != Activity::active) {
    return fail(ErrorCode::remote_failed,
                fmt::format("the undo timer {}.timer was installed but is not active", unit));
  }
  return {};
}

Status install_boot_unit(const std::string& units) {
  const std::string file = units + "/" + kBootUnit;
  if (read_whole(file, 65536).value_or("") != kBootUnitText) {
    TRY(write_durable(file, kBootUnitText, 0644), "install the boot unit");
    TRY(run({"systemctl", "daemon-reload"}), "install the boot unit");
  }
  const auto enabled = spawn({"systemctl", "is-enabled", kBootUnit}, kToolLimit);
  if (!enabled || !enabled->ok()) {
    TRY(run({"systemctl", "enable", "--quiet", kBootUnit}), "install the boot unit");
  }
  // Also when it was enabled before: by a guard, perhaps, that was ended right then.
  sync_directory(parent_directory(units + "/" + kBootLink));
  sync_directory(units);
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
      "--property=CPUWeight=10000",
      "--property=IOWeight=10000",
      "--property=TimeoutStartSec=20s",
      std::string(kGuardPath),
      "trigger",
      record.id};
  return record.trigger.next_boot ? early(command) : command;
}

Status start_trigger(const ArmRecord& record) {
  const std::string unit = trigger_name(record.id);
  TRY(run(trigger_command(record)), "start the trigger");
  if (!record.trigger.now && activity(unit + ".service") != Activity::active) {
    return fail(
        ErrorCode::remote_failed,
        fmt::format(
            "the trigger {}.service was started but is not active; see its journal on the node",
            unit));
  }
  return {};
}

Healed revert(Store& store, RecordState state, const std::string& why) {
  const std::string id = state.record.id;
  complete_reboot(state);
  if (reboot_is_under_way(state)) {
    return {.id = id,
            .state = "DIRTY",
            .summary = state.record.fault +
                       ": the reboot is under way and cannot be taken back; "
                       "heal again when the node is back"};
  }
  const std::string found = state.state();
  stop_unit(trigger_name(id) + ".service");
  // The trigger may have fired and written while it was being stopped: its word is newer than ours.
  if (auto fresh = store.load(id)) {
    if (fresh->progress.contains("held")) {
      state.progress["held"] = fresh->progress["held"];
    }
    if (fresh->state() != found && found != "APPLIED") {
      state = *std::move(fresh);
    }
  }
  forget_signals(store.places().run, id);
  const std::string before = state.state();
  settle_outcome(state, why);
  const auto released =
      release(state.progress.value("held", Json()), means_of({}, store.before_of(id)));
  state.progress["released"] = released ? *released : released.error().message();
  state.progress["state"] = "REVERTED";
  stop_unit(timer_name(id) + ".timer");
  const Activity trigger = activity(trigger_name(id) + ".service");
  const Activity timer = activity(timer_name(id) + ".timer");
  const bool clean = released && trigger == Activity::inactive && timer == Activity::inactive;
  const bool unknown = trigger == Activity::unknown || timer == Activity::unknown;
  state.progress["state"] = clean ? "VERIFIED" : "DIRTY";
  state.progress["reverted"] = to_json(now());
  state.progress["reverted_from"] = before;
  state.progress["reverted_because"] = why;
  Healed healed{
      .id = id,
      .state = state.state(),
      .summary = fmt::format(
          "{} {}: was {}, {}", state.record.fault, state.record.trigger.window, before, why)};
  if (const std::string said = json_string(state.progress, "released"); !said.empty()) {
    healed.summary += "; " + said;
  }
  const Status finished = clean ? store.finish(state) : store.save(state);
  if (!clean || !finished) {
    healed.state = "DIRTY";
    healed.summary += !finished   ? "; " + finished.error().message()
                      : !released ? "; what it did is not taken back"
                      : unknown ? "; systemctl does not say whether its trigger and timer are gone"
                                : "; its trigger or timer is still active";
    if (const Status kept = store.quarantine(healed.summary); !kept) {
      healed.summary += "; the quarantine could not be written: " + kept.error().message();
    }
  }
  audit(fmt::format("reverted {} ({}): {}", id, healed.summary, healed.state));
  return healed;
}

bool stop_units(const std::string& id) {
  stop_unit(trigger_name(id) + ".service");
  stop_unit(timer_name(id) + ".timer");
  return activity(trigger_name(id) + ".service") == Activity::inactive &&
         activity(timer_name(id) + ".timer") == Activity::inactive;
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

void remove_boot_unit(const std::string& units) {
  static_cast<void>(spawn({"systemctl", "disable", "--quiet", kBootUnit}, kToolLimit));
  for (const char* name : {kBootLink, kBootUnit}) {
    const std::string path = units + "/" + name;
    unlink(path.c_str());
    sync_directory(parent_directory(path));
  }
  static_cast<void>(spawn({"systemctl", "daemon-reload"}, kToolLimit));
}

}  // namespace harness::guard
