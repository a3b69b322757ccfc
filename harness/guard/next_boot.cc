#include "harness/guard/next_boot.h"

#include <algorithm>

#include "harness/guard/heartbeat.h"
#include "harness/guard/undo_units.h"

namespace harness::guard {

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

Status wake(Store& store, RecordState& state) {
  if (store.quarantined()) {
    return fail(ErrorCode::refused, kInQuarantine);
  }
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
