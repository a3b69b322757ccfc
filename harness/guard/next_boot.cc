#include "harness/guard/next_boot.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/guard/heartbeat.h"
#include "harness/guard/undo_units.h"

namespace harness::guard {
namespace {

constexpr std::int64_t kClockErrorMs = 30'000;

}  // namespace

AtBoot at_boot(const RecordState& state, const std::string& boot_id) {
  if (!state.record.trigger.next_boot) {
    return AtBoot::revert;
  }
  const std::string woken = json_string(state.progress, "woken_in");
  if (woken.empty() && state.state() == "ARMED") {
    return json_string(state.progress, "boot_id") == boot_id ? AtBoot::leave : AtBoot::wake;
  }
  return woken == boot_id ? AtBoot::leave : AtBoot::revert;
}

Status check_in_time(const RecordState& state, const Now& at) {
  const std::int64_t armed_us = json_int(json_object(state.progress, "armed"), "wall_us");
  const std::int64_t slept_ms = (at.wall_us - armed_us) / 1000;
  const std::int64_t ttl_ms = state.record.ttl.count();
  if (slept_ms < -kClockErrorMs) {
    return fail(ErrorCode::timed_out,
                fmt::format("it was armed for a boot within {} s, and by the clock of this boot "
                            "that was {} s from now: nobody knows whether its time is over; "
                            "`timedatectl` on the node",
                            ttl_ms / 1000,
                            -slept_ms / 1000));
  }
  if (slept_ms > ttl_ms) {
    return fail(ErrorCode::timed_out,
                fmt::format("it was armed for a boot within {} s, and this one came after {} s: "
                            "its time was over",
                            ttl_ms / 1000,
                            slept_ms / 1000));
  }
  return {};
}

Status wake(Store& store, RecordState& state) {
  if (store.quarantined()) {
    return fail(ErrorCode::refused, kInQuarantine);
  }
  TRY(check_in_time(state, now()), "");
  state.progress["woken_in"] = boot_id();
  state.progress["woken"] = to_json(now());
  TRY(store.commit(state), "wake");
  TRY(beat(store.places().run), "wake");
  TRY(install_timer(state.record), "wake");
  TRY(start_trigger(state.record), "wake");
  audit("woke " + state.record.id + " in the boot that it was armed for");
  return {};
}

std::vector<std::string> early(std::vector<std::string> command) {
  const bool timer = std::ranges::any_of(
      command, [](const std::string& part) { return part.starts_with("--on-active="); });
  std::vector<std::string> more;
  for (const char* kind : {"--property=", "--timer-property="}) {
    if (std::string_view(kind) == "--timer-property=" && !timer) {
      continue;
    }
    for (const char* property :
         {"DefaultDependencies=no", "Conflicts=shutdown.target", "Before=shutdown.target"}) {
      more.push_back(std::string(kind) + property);
    }
  }
  const auto guard = std::ranges::find(command, kGuardPath);
  command.insert(guard, more.begin(), more.end());
  return command;
}

}  // namespace harness::guard
