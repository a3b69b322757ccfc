// CPU and memory that somebody else uses up: a unit of its own on the node, with a limit of time
// that systemd holds it to, so that it ends whoever dies. It is the first that the kernel ends when
// memory runs out, and no part of the trigger's unit, whose weight it must not have.
#pragma once

#include <string>

#include "harness/guard/action_hold.h"

namespace harness::guard {

// burn ("cores": how many; 0: all there are) or memory ("leave_mb": what is left available).
// Proved by what its processes have used, read from /proc.
Result<Deed> start_hog(const ArmRecord& record, const Means& means);
Result<std::string> release_hog(const Json& held, const Means& means);

// The program of that unit; ends by signals alone. `kind`: cpu or memory; `amount` as above.
int run_hog(const std::string& kind, const std::string& amount);

}  // namespace harness::guard
