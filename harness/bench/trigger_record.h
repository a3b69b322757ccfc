// Records that the benchmark arms: what the guard is told, asked and made to take back.
#pragma once

#include <string>
#include <string_view>

#include "harness/base/json.h"
#include "harness/base/time.h"
#include "harness/bench/aim.h"

namespace harness::bench {

// Opens at the line that has this message, in an invocation of the unit that is yet to begin.
Status arm(const Bench& bench,
           const std::string& id,
           std::string_view unit,
           const std::string& message,
           Json action);
// Its record once it has an outcome; timed_out says which state it was in.
Result<Json> ended_record(const Bench& bench, const std::string& id);
// internal when the guard could not: nothing more may be armed then.
Status revert(const Bench& bench, const std::string& id);

}  // namespace harness::bench
