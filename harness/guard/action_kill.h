// What the ways of killing a container share: the facts that go into the evidence, and the reading
// back of the end.
#pragma once

#include <string>

#include "harness/guard/action.h"

namespace harness::guard {

Json facts_of(const Container& container, const std::string& how);
// The deed with what /proc says of the process now; an error when the process is still there.
Result<Deed> with_read_back(Deed deed, const ArmRecord& record, const Container& target);
// Through containerd, by RKE2's own ctr.
Result<Deed> kill_task(const ArmRecord& record,
                       const Container& target,
                       std::chrono::milliseconds limit);

}  // namespace harness::guard
