// What stands on the node under our name and belongs to no record: left by a guard that was killed,
// a record that was removed, or a build that is gone.
#pragma once

#include <vector>

#include "harness/guard/action_hold.h"
#include "harness/guard/store.h"
#include "harness/guard/undo.h"

namespace harness::guard {

// Units hookshot-{trig,rv,hog}-<id>, tables `inet hookshot_<id>` and root qdiscs with our handle,
// each stopped or deleted and read back; one entry each, and one for a tool that gives no answer.
// What an armed record has is left to its own undo. What bears our name and is not made as we make
// it is left alone, and DIRTY. The caller holds the lock.
std::vector<Healed> sweep(const Store& store, const Means& means);

}  // namespace harness::guard
