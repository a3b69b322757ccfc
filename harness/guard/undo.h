// Taking a record back, whoever asks for it: the controller, its timer, its trigger, or a boot.
#pragma once

#include <string>

#include "harness/guard/store.h"

namespace harness::guard {

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
// gone. Safe to run twice and from several sides at once. What cannot be taken back is DIRTY, puts
// the node in quarantine, and keeps its timer. The caller holds the lock.
Healed revert(Store& store, RecordState state, const std::string& why);
// The same of a record that cannot be read: by what its state holds, and where that cannot be read
// either, by the names that its units and its table have. VERIFIED only when it is known that
// nothing is left; it is then kept below broken/.
Healed revert_unread(Store& store,
                     const std::string& id,
                     const std::string& unread,
                     const std::string& why);
// Whichever of the two it takes; `id` is armed, or over by now.
Healed undo(Store& store, const std::string& id, const std::string& why);

// An undo that failed is tried again by its timer, this often.
inline constexpr int kMostTries = 120;
// Notes one more; true while there are more to come in this boot.
bool may_try_again(Store& store, const std::string& id);
// Why a record's timer came: its time, its lease, or a trigger that ended before it should.
std::string why_expired(const RecordState& state, const Now& at, std::int64_t heartbeat_age_ms);

}  // namespace harness::guard
