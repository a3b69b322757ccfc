// The verb `watch`: every fact about one unit as it happens, as JSON lines, until standard input
// ends.
#pragma once

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/guard/store.h"

namespace harness::guard {

// {"unit", "data_dir", "since_wall_us", "after", "look"}. since_wall_us 0 or absent: from now on.
// `after`, a JournalPosition as the last `journal` fact had it: all lines that were written after
// that one, those of a later boot whose clock is behind included. `look`: markers of kind tcp and
// http, for which facts are wanted; at most 32.
Status run_watch(const Store& store, const Json& record);

}  // namespace harness::guard
