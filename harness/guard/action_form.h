// The shapes of what the guard can be asked to do: one row each, with the words and amounts that it
// takes. Nothing gets past it that is not in its row.
#pragma once

#include "harness/guard/protocol.h"

namespace harness::guard {

// invalid_input names the field and what it takes; a key that the row has not is one, too.
Result<Action> action_from_json(const Json& json);
Json to_json(const Action& action);

// It is in force until it is taken back: such an action has a hold.
bool lasts(const Action& action);
// A reboot does not end it: what its undo needs is on the disk before the harm is done.
bool survives_reboot(const Action& action);

}  // namespace harness::guard
