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
// gone. Safe to run twice and from several sides at once. The caller holds the lock.
Healed revert(Store& store, RecordState state, const std::string& why);

}  // namespace harness::guard
