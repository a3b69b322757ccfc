// Everything that makes the node heal by itself: timers of systemd that revert a record when its
// time or its lease is over, the boot unit that reverts what a reboot found armed, and the revert
// itself.
#pragma once

#include <string>
#include <vector>

#include "harness/guard/store.h"

namespace harness::guard {

// hookshot-rv-<id>.timer: PID 1 runs `guard revert` when ttl is over, whoever is dead by then. Read
// back active.
Status install_timer(const ArmRecord& record);
// hookshot-boot.service: in each boot, before rke2, if anything is armed. The only persistent unit.
// `units`: /etc/systemd/system.
Status install_boot_unit(const std::string& units);
// hookshot-trig-<id>.service: waits for the moment. Read back active.
Status start_trigger(const ArmRecord& record);
// What start_trigger runs. All that the trigger started ends with it: a ctr that hangs does not
// outlive the revert.
std::vector<std::string> trigger_command(const ArmRecord& record);

// What `systemctl is-active` said. No answer is `unknown`, which never passes for clean.
enum class Activity { active, inactive, unknown };
Activity activity_of(const Result<Finished>& asked);

// A reboot that was asked for in this boot, and still comes.
bool reboot_is_under_way(const RecordState& state);
// Gives a record without an outcome one: expired, and from APPLYING that it may have been applied.
void settle_outcome(RecordState& state, const std::string& why);

struct Healed {
  std::string id;
  std::string state;    // VERIFIED or DIRTY
  std::string summary;  // what was found and done
};

// Takes a record back from any state and verifies that nothing of it is left: trigger gone, timer
// gone. Safe to run twice and from several sides at once. The caller holds the lock.
Healed revert(Store& store, RecordState state, const std::string& why);

// The trigger and the timer of a record that cannot be read; false when one may still be active.
bool stop_units(const std::string& id);

const char* boot_unit_text();
inline constexpr const char* kBootUnit = "hookshot-boot.service";
// The link by which it is enabled, below the folder of units.
inline constexpr const char* kBootLink = "multi-user.target.wants/hookshot-boot.service";

// Names of our units that systemd still knows, the boot unit left out; one line saying so when it
// does not answer.
std::vector<std::string> units_left();
void remove_boot_unit(const std::string& units);

}  // namespace harness::guard
