#include <csignal>
#include <cstdlib>
#include <sstream>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/base/time.h"
#include "harness/guard/action_hold.h"

namespace harness::guard {

namespace {

constexpr std::chrono::milliseconds kDeathLimit{15'000};

Result<Deed> stop_service(const std::string& unit, const Means& means) {
  TRY_ASSIGN(const Process main, main_process(means, unit), "stop");
  TRY(means.note({{"kind", "stopped"}, {"unit", unit}, {"boot_id", boot_id()}}),
      "keep what will be stopped");
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  TRY(asked(means, {"systemctl", "stop", unit}), "stop " + unit);
  deed.effect = now();
  TRY_ASSIGN(const std::string active, unit_property(means, unit, "ActiveState"), "read back");
  if ((active != "inactive" && active != "failed") || state_of(main) != '-') {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} was stopped, but is {} and its process {} is {}",
                            unit,
                            active,
                            main.pid,
                            state_of(main) == '-' ? "gone" : "still there"));
  }
  deed.evidence = {
      {"how", "stop"},
      {"pid", main.pid},
      {"start_ticks", main.start_ticks},
      {"active_state", active},
      {"summary", fmt::format("{} is {}: its main process {} is gone", unit, active, main.pid)}};
  return deed;
}

// As systemd shows it, of a second: what `percent` of one core is.
std::string quota_of(const std::string& percent) {
  return fmt::format("{}ms", std::atoi(percent.c_str()) * 10);
}

// No quota, or exactly this one: what we had systemd write, and nobody has written since.
bool sets_nothing_but(const std::string& drop_in, const std::string& percent) {
  constexpr std::string_view kKey = "CPUQuota=";
  std::istringstream lines(read_whole(drop_in, 65536).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const std::string value = line.starts_with(kKey) ? line.substr(kKey.size()) : "";
    if (!value.empty() && std::atof(value.c_str()) != std::atof(percent.c_str())) {
      return false;
    }
  }
  return true;
}

}  // namespace

Status asked(const Means& means, const std::vector<std::string>& argv) {
  TRY_ASSIGN(const Finished done, means.run(argv), argv[0]);
  if (done.ok()) {
    return {};
  }
  return fail(ErrorCode::remote_failed,
              fmt::format("{} {}: {}", argv[0], argv[1], done.timed_out ? "no answer" : done.err));
}

Result<std::string> unit_property(const Means& means, const std::string& unit, const char* name) {
  TRY_ASSIGN(const Finished shown,
             means.run({"systemctl", "show", "--value", fmt::format("--property={}", name), unit}),
             "systemctl show");
  if (!shown.ok()) {
    return fail(ErrorCode::remote_failed,
                fmt::format("systemctl show {} of {}: {}", name, unit, shown.err));
  }
  return shown.out.substr(0, shown.out.find('\n'));
}

Result<Deed> kill_proved(const std::string& what, const Process& target) {
  const int pidfd = pidfd_open(target.pid);
  if (pidfd < 0 || start_ticks(target.pid) != target.start_ticks) {
    close(pidfd);
    return fail(ErrorCode::remote_failed,
                fmt::format("process {} ({}) had ended by itself", target.pid, what));
  }
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  const bool died = pidfd_kill(pidfd, SIGKILL) && pidfd_wait(pidfd, kDeathLimit);
  deed.effect = now();
  close(pidfd);
  if (!died || state_of(target) != '-') {
    return fail(ErrorCode::remote_failed,
                fmt::format("SIGKILL was sent, but process {} ({}) lives on", target.pid, what));
  }
  deed.evidence = {{"how", "kill"},
                   {"pid", target.pid},
                   {"start_ticks", target.start_ticks},
                   {"process_gone", true},
                   {"summary", fmt::format("process {} ({}) ended by SIGKILL", target.pid, what)}};
  return deed;
}

Result<std::string> release_stopped(const Json& held, const Means& means) {
  const std::string unit = json_string(held, "unit");
  const auto up = [](const std::string& state) {
    return state == "active" || state == "activating" || state == "reloading";
  };
  TRY_ASSIGN(const std::string before, unit_property(means, unit, "ActiveState"), "look");
  if (up(before)) {
    return fmt::format("{} is {} already", unit, before);
  }
  static_cast<void>(means.run({"systemctl", "reset-failed", unit}));
  TRY(asked(means, {"systemctl", "start", "--no-block", unit}), "start " + unit);
  // Its start takes minutes and is for the settling to judge; here it must be on its way.
  std::string last;
  const Deadline deadline = Deadline::after(std::chrono::seconds(30));
  while (!deadline.passed()) {
    TRY_ASSIGN(last, unit_property(means, unit, "ActiveState"), "read back");
    if (up(last)) {
      return fmt::format("{} is {} again", unit, last);
    }
  }
  return fail(ErrorCode::remote_failed,
              fmt::format("{} was asked to start, but is {}; `systemctl status {}` on the node "
                          "says why",
                          unit,
                          last,
                          unit));
}

Result<std::string> release_slowed(const Json& held, const Means& means) {
  const std::string unit = json_string(held, "unit");
  const std::string before = json_string(held, "quota");
  const std::string ours = json_string(held, "ours");
  const std::string drop_in = json_string(held, "drop_in");
  TRY_ASSIGN(const std::string found, unit_property(means, unit, "CPUQuotaPerSecUSec"), "look");
  if (found == quota_of(ours)) {
    TRY(asked(means, {"systemctl", "set-property", "--runtime", unit, "CPUQuota="}),
        "put the quota back");
  }
  if (!json_bool(held, "had_drop_in") && sets_nothing_but(drop_in, ours) &&
      unlink(drop_in.c_str()) == 0) {
    static_cast<void>(rmdir(parent_directory(drop_in).c_str()));
    TRY(asked(means, {"systemctl", "daemon-reload"}), "forget our drop-in");
  }
  TRY_ASSIGN(
      const std::string after, unit_property(means, unit, "CPUQuotaPerSecUSec"), "read back");
  if (after == before) {
    return fmt::format("the CPU quota of {} is {} again", unit, after);
  }
  if (after != quota_of(ours)) {
    return fmt::format(
        "the CPU quota of {} was set to {} by somebody else: left as it is", unit, after);
  }
  return fail(ErrorCode::remote_failed,
              fmt::format("the CPU quota of {} is {}, but was {} before the fault; `systemctl "
                          "set-property --runtime {} CPUQuota=` on the node",
                          unit,
                          after,
                          before,
                          unit));
}

Result<Process> main_process(const Means& means, const std::string& unit) {
  if (means.known && means.known->unit == unit && state_of(means.known->process) != '-') {
    return means.known->process;
  }
  TRY_ASSIGN(
      const std::string text, unit_property(means, unit, "MainPID"), "find the main process");
  const int pid = std::atoi(text.c_str());
  const Process found{pid, pid > 1 ? start_ticks(pid) : 0};
  if (found.start_ticks == 0) {
    return fail(
        ErrorCode::remote_failed,
        fmt::format("{} has no main process when the moment came (MainPID {})", unit, text));
  }
  return found;
}

Result<Deed> strike_service(const ArmRecord& record, const Means& means) {
  const std::string& unit = record.unit;
  if (record.action.how == "stop") {
    return stop_service(unit, means);
  }
  TRY_ASSIGN(const Process target, main_process(means, unit), record.action.how);
  if (record.action.how == "kill") {
    return kill_proved("main process of " + unit, target);
  }
  return freeze(
      "main process of " + unit, [&] { return std::vector<Process>{target}; }, means);
}

Result<Deed> slow_service(const ArmRecord& record, const Means& means) {
  const std::string& unit = record.unit;
  TRY_ASSIGN(const std::string before, unit_property(means, unit, "CPUQuotaPerSecUSec"), "slow");
  if (before != "infinity") {
    return fail(
        ErrorCode::not_supported,
        fmt::format("{} has a CPU quota of its own ({} a second); it is left alone", unit, before));
  }
  const std::string drop_in =
      fmt::format("/run/systemd/system.control/{}.d/50-CPUQuota.conf", unit);
  const Json held = {{"kind", "slowed"},
                     {"unit", unit},
                     {"boot_id", boot_id()},
                     {"quota", before},
                     {"ours", record.action.how},
                     {"drop_in", drop_in},
                     {"had_drop_in", access(drop_in.c_str(), F_OK) == 0}};
  TRY(means.note(held), "keep the quota");
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  TRY(asked(means,
            {"systemctl",
             "set-property",
             "--runtime",
             unit,
             fmt::format("CPUQuota={}%", record.action.how)}),
      "slow " + unit);
  deed.effect = now();
  TRY_ASSIGN(
      const std::string after, unit_property(means, unit, "CPUQuotaPerSecUSec"), "read back");
  TRY_ASSIGN(const std::string group, unit_property(means, unit, "ControlGroup"), "read back");
  std::string kernel;
  for (const char* form : {"/sys/fs/cgroup{}/cpu.max",
                           "/sys/fs/cgroup/cpu,cpuacct{}/cpu.cfs_quota_us",
                           "/sys/fs/cgroup/cpu{}/cpu.cfs_quota_us"}) {
    if (auto text = read_whole(fmt::format(fmt::runtime(form), group), 256); text) {
      kernel = text->substr(0, text->find('\n'));
      break;
    }
  }
  // systemd takes the property where the kernel's cpu controller is not there to carry it out.
  if (after == before || kernel.empty() || kernel.starts_with("max") || kernel.starts_with("-1")) {
    TRY(release_slowed(held, means), "take the quota back");
    return fail(ErrorCode::not_supported,
                fmt::format("CPUQuota={}% of {} has no effect: systemd says {}, the kernel '{}'",
                            record.action.how,
                            unit,
                            after,
                            kernel));
  }
  deed.evidence = {
      {"how", "quota"},
      {"stretched", true},
      {"quota_before", before},
      {"quota", after},
      {"kernel", kernel},
      {"summary",
       fmt::format(
           "CPU quota of {} is {} a second (kernel: {}), was {}", unit, after, kernel, before)}};
  return deed;
}

}  // namespace harness::guard
