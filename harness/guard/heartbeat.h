// The controller's sign of life, kept in <run>/heartbeat: without one, what it armed ends by
// itself.
#pragma once

#include <cstdint>
#include <string>

#include "harness/base/result.h"

namespace harness::guard {

// Milliseconds since the last one; since boot when there was none.
std::int64_t heartbeat_age_ms(const std::string& run);
Status beat(const std::string& run);

}  // namespace harness::guard
