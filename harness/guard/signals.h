// What controller and trigger tell each other of a record that is armed: files of the run folder,
// which a boot forgets.
//
//   go      the controller's word to fire, to a trigger that waits for nothing else
//   moment  the trigger's, that the moment has come and the controller's own part is due
#pragma once

#include <string>

#include "harness/guard/store.h"

namespace harness::guard {

enum class Signal { go, moment };

// With the time; a second time changes nothing that anybody reads.
Status raise(const std::string& run, Signal signal, const std::string& id);
bool raised(const std::string& run, Signal signal, const std::string& id);
// Both of a record.
void forget_signals(const std::string& run, const std::string& id);

// The verb `go`: refused unless the record is armed and waits for the word.
Status verb_go(const Store& store, const Json& record);
// The verb `moment`: says `waiting`, then `moment` with its time on the node's clocks once it has
// come, also when it came before. Ends with standard input.
Status run_moment(const Store& store, const Json& record);

}  // namespace harness::guard
