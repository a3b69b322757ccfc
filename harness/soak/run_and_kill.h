// A program that dies without a chance to tidy up.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace harness::soak {

// Runs argv without output until it ends or `limit` is over, when SIGKILL meets it. "killed", or
// "exit status N". internal: it could not be started.
Result<std::string> run_and_kill(const std::vector<std::string>& argv,
                                 std::chrono::milliseconds limit);

}  // namespace harness::soak
