// Where a file that a fault swaps can stand, and where its original is kept: what a record names is
// held to that before anything is renamed, written or removed, as a record may be damaged.
#pragma once

#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace harness::guard {

// invalid_input, with what is refused: a path that is no manifest of a control plane's pod and no
// certificate that can be made to expire, or is not below the data_dir of the record beside
// `before`; another place to keep it than arming makes; a unit that is none of RKE2's. Touches
// nothing. Where that record names no data_dir, any is taken.
Status check_swapped(const Json& held, const std::string& aside, const std::string& before);

}  // namespace harness::guard
