// Our units of systemd, which make the node heal by itself: the trigger and the undo timer of a
// record, and the boot unit that takes back what a reboot found armed.
#pragma once

#include <string>
#include <vector>

#include "harness/guard/protocol.h"
#include "harness/guard/system.h"

namespace harness::guard {

// hookshot-rv-<id>.timer: PID 1 runs `guard expire` when ttl is over, whoever is dead by then, and
// again kTryAgain after one that failed. Read back active.
inline constexpr std::chrono::seconds kTryAgain{30};
std::vector<std::string> timer_command(const std::string& id, std::chrono::milliseconds after);
Status install_timer(const ArmRecord& record);
// hookshot-boot.service: in each boot, before rke2, if anything is armed. The only persistent unit.
// `units`: /etc/systemd/system. `mounts`: the units that it comes after; it comes without them,
// too, as the rest must be taken back though one fails.
Status install_boot_unit(const std::string& units, const std::vector<std::string>& mounts = {});
// The units of the mounts, but for the root's, that hold the records and what a boot takes back in
// this data_dir: such a mount may come after local-fs.target, or never.
std::vector<std::string> mount_units_of(const std::string& data_dir,
                                        const std::string& mountinfo = "/proc/self/mountinfo");
// hookshot-trig-<id>.service: waits for the moment. Read back active.
Status start_trigger(const ArmRecord& record);
// What start_trigger runs. All that the trigger started ends with it: a ctr that hangs does not
// outlive the revert. A trigger that is killed, or fails, makes systemd start the timer's service
// at once; one that ends well or is stopped, also by a shutdown, does not. A trigger that hangs
// over what it did is ended kHangsAfter the fault's time, and is dead kTriggerDies later at the
// latest, whatever it does with the first signal: so the undo comes within 30 s.
inline constexpr std::chrono::seconds kHangsAfter{15};
inline constexpr std::chrono::seconds kTriggerDies{10};
std::vector<std::string> trigger_command(const ArmRecord& record);

// What `systemctl is-active` said. No answer is `unknown`, which never passes for clean.
enum class Activity { active, inactive, unknown };
Activity activity_of(const Result<Finished>& asked);

// The timer's service does it now rather than when the record's time is over. False: systemd did
// not take it.
bool ask_for_undo(const std::string& id);
// Before an undo that may be cut off: a timer that takes it up in kTryAgain, where none stands. It
// goes with what is taken back.
void take_up_later(const std::string& id);
// After an undo that failed: by the timer where it still stands, else by a new one. Not for the
// timer's own service, which is tried again anyway.
void keep_trying(const std::string& id);

void stop_trigger(const std::string& id);
void stop_timer(const std::string& id);
Activity trigger_activity(const std::string& id);
Activity timer_activity(const std::string& id);
// Both; false when one may still be active.
bool stop_units(const std::string& id);
// The unit of any name, stopped and read back.
Activity stopped(const std::string& unit);
Activity activity_of_unit(const std::string& unit);

std::string boot_unit_text(const std::vector<std::string>& mounts = {});
inline constexpr const char* kBootUnit = "hookshot-boot.service";
// The link by which it is enabled, below the folder of units.
inline constexpr const char* kBootLink = "multi-user.target.wants/hookshot-boot.service";

// Names of our units that systemd still knows, the boot unit left out; one line saying so when it
// does not answer.
std::vector<std::string> units_left();
void remove_boot_unit(const std::string& units);

}  // namespace harness::guard
