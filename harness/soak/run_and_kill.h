// A program that dies without a chance to tidy up.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "harness/base/time.h"

namespace harness::soak {

// Runs argv until a line of its standard error ends in `words`, when SIGKILL meets it; its standard
// output goes nowhere. "killed", or "exit status N" when it ended before. internal: it could not be
// started; timed_out: neither came before the deadline, and it was killed then.
Result<std::string> run_and_kill(const std::vector<std::string>& argv,
                                 std::string_view words,
                                 Deadline deadline);

}  // namespace harness::soak
