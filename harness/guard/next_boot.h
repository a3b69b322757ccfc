// Triggers that wait for the node's next boot, and for that one only: `trigger.boot` is "next".
//
// Armed, such a record waits without a process of its own. The boot unit, which runs before
// rke2-server and rke2-agent, gives it a new undo timer and a lease that begins then, and starts
// its trigger; the boot is noted, and the one after that takes the record back.
//
// Asleep it has no lease: nobody looks whether its controller lives. What bounds it is its ttl, by
// a timer in the boot that armed it, and by the wall clock in the one that would wake it: armed
// longer ago than that, or later than that clock says, it is taken back as expired and never fires.
#pragma once

#include <string>
#include <vector>

#include "harness/guard/store.h"

namespace harness::guard {

enum class AtBoot {
  wake,   // its boot has come
  leave,  // it was armed in this boot, or woken in it
  revert  // everything else that a boot finds armed
};

AtBoot at_boot(const RecordState& state, const std::string& boot_id);

// timed_out, with the reason: at this moment its ttl is over, or the wall clock does not say.
Status check_in_time(const RecordState& state, const Now& at);

// Notes the boot, durably, before anything is started: a node that dies now is healed by its next
// boot. On an error the caller takes the record back. refused: the node is in quarantine;
// timed_out: its time is over. Nothing was noted or started then.
Status wake(Store& store, RecordState& state);

// The commands of systemd with which a boot installs the timer and starts the trigger. Neither
// waits for sysinit or basic.target, which may themselves wait for what the boot unit holds back.
std::vector<std::string> early(std::vector<std::string> command);

}  // namespace harness::guard
