// What the guard can do to a node, and the proof that it did. Times are taken as close to the deed
// as can be.
#pragma once

#include "harness/guard/file_watch.h"
#include "harness/guard/protocol.h"
#include "harness/guard/store.h"

namespace harness::guard {

struct Deed {
  Now begun;
  Now effect;
  Json evidence;  // {"summary", ...}
};

// Kills a container's task, process or shim and waits until the end of the container's process is
// seen and read back. An error means that there is no proof: nothing was there to kill, it had
// ended by itself, ctr failed, or it did not die within the limit.
Result<Deed> kill_container(const ArmRecord& record, const ContainerWatch& containers);
Result<Deed> kill_container(const ArmRecord& record,
                            const Container& target,
                            std::chrono::milliseconds limit = std::chrono::seconds(15));

// Records APPLYING durably, then reboots. Returns only on failure; the evidence is completed by
// complete_reboot in the next boot.
Error reboot(Store& store, RecordState& state);

// A record of a reboot that is APPLYING and of another boot than this one becomes APPLIED, with
// both boot ids.
bool complete_reboot(RecordState& state);

}  // namespace harness::guard
