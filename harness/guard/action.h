// What the guard can do to a node, and the proof that it did. Times are taken as close to the deed
// as can be.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "harness/guard/file_watch.h"
#include "harness/guard/protocol.h"
#include "harness/guard/store.h"

namespace harness::guard {

struct Deed {
  Now begun;
  Now effect;
  Json evidence;  // {"summary", ...}
};

// That container of the static pod; an error when there is none.
Result<const Container*> running(const std::string& pod, const ContainerWatch& containers);

// Kills a container's task, process or shim and waits until the end of the container's process is
// seen and read back. An error means that there is no proof: nothing was there to kill, it had
// ended by itself, ctr failed, or it did not die within the limit.
Result<Deed> kill_container(const ArmRecord& record, const ContainerWatch& containers);
Result<Deed> kill_container(const ArmRecord& record,
                            const Container& target,
                            std::chrono::milliseconds limit = std::chrono::seconds(15));

// The process that holds the pod's sandbox, of those in `all`: kubelet then ends the pod's
// containers and makes it anew.
Result<Deed> kill_sandbox(const ArmRecord& record,
                          const std::map<std::string, Container>& all,
                          const Container& target,
                          std::chrono::milliseconds limit = std::chrono::seconds(15));

// Records APPLYING durably, then reboots. Returns only on failure; the evidence is completed by
// complete_reboot in the next boot.
Error reboot(Store& store, RecordState& state);

// How the journal of a boot ends: "Reached target reboot.target" and the like, or in mid-air.
using JournalEnd = std::function<Result<std::string>(const std::string& boot)>;
Result<std::string> journal_end_of(const std::string& boot);
bool ended_cleanly(std::string_view journal_end);

// A record of a reboot that is APPLYING and of another boot than this one becomes APPLIED, with
// both boot ids and whether the old boot's journal ends with a shutdown. It reads that journal:
// the caller stores what it makes of the record.
bool complete_reboot(RecordState& state, const JournalEnd& journal_end = journal_end_of);

}  // namespace harness::guard
