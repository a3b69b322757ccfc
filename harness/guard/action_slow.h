// A service slowed by a quota, taken back where the caller says in which folder systemd keeps what
// is set for this boot (action_hold.h has the rest).
#pragma once

#include <string>

#include "harness/guard/action_hold.h"

namespace harness::guard {

inline constexpr const char* kControl = "/run/systemd/system.control";

// invalid_input, with nothing touched, where `held` names a unit that is none of RKE2's, or a
// drop-in that is not the one of its quota below `control`: a record may be damaged.
Result<std::string> release_slowed(const Json& held,
                                   const Means& means,
                                   const std::string& control);

}  // namespace harness::guard
