#include "harness/guard/action_slow.h"

#include <cstdlib>
#include <sstream>

#include <fmt/format.h>
#include <unistd.h>

namespace harness::guard {

namespace {

std::string drop_in_of(const std::string& unit, const std::string& control) {
  return fmt::format("{}/{}.d/50-CPUQuota.conf", control, unit);
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

Result<std::string> release_slowed(const Json& held, const Means& means) {
  return release_slowed(held, means, kControl);
}

Result<std::string> release_slowed(const Json& held,
                                   const Means& means,
                                   const std::string& control) {
  const std::string unit = json_string(held, "unit");
  TRY(check_held_unit(unit), "put the quota back");
  const std::string before = json_string(held, "quota");
  const std::string ours = json_string(held, "ours");
  const std::string drop_in = json_string(held, "drop_in");
  if (drop_in != drop_in_of(unit, control)) {
    return fail(
        damaged("drop_in",
                drop_in,
                "is not " + drop_in_of(unit, control),
                fmt::format("`systemctl set-property --runtime {} CPUQuota=` on the node", unit)),
        "put the quota back");
  }
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

Result<Deed> slow_service(const ArmRecord& record, const Means& means) {
  const std::string& unit = record.unit;
  TRY_ASSIGN(const std::string before, unit_property(means, unit, "CPUQuotaPerSecUSec"), "slow");
  if (before != "infinity") {
    return fail(
        ErrorCode::not_supported,
        fmt::format("{} has a CPU quota of its own ({} a second); it is left alone", unit, before));
  }
  const std::string drop_in = drop_in_of(unit, kControl);
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
