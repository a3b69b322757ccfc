// Lengths that were measured, for people.
#pragma once

#include <string>

#include "harness/base/time.h"

namespace harness {

// 20.0 s, 47 ms, 0.4 ms, -47 ms. format_duration gives the exact form that parse_duration reads
// back.
std::string format_length(Microseconds length);

}  // namespace harness
