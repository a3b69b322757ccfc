// The wait for the moment, on the node: reads the unit's journal each millisecond, watches
// manifests and containers, and fires the armed action at marker plus offset.
//
// It fires only in an invocation of the unit that began after arming (unless the record says
// otherwise), and only once. It does not fire, and says why, when the window closes first, when a
// new invocation begins while the window is open, when the lease ran out, or when there is nothing
// to kill.
#pragma once

#include <string>

#include "harness/guard/store.h"

namespace harness::guard {

// The unit's InvocationID as systemd gives it; empty when it has none.
std::string current_invocation(const std::string& unit);

// The verb `trigger`, run by systemd. Returns the process's exit status.
int run_trigger(Store& store, const std::string& id);

}  // namespace harness::guard
