// Long-lived and long-running programs of the lab: recipes, whose progress is passed on line by
// line, and supervisors, which outlive us. What is short goes through exec::LocalRunner.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/lab/lab.h"

namespace harness::lab {

// Runs a recipe to its end and returns its standard output without the last newline. Lines of
// standard error are progress as they come; the last of them are in the error. A stop or the
// deadline ends the recipe's whole process group. Errors: not_supported, with the recipe's own
// words; refused, stopped; timed_out.
Result<std::string> run_recipe(const std::vector<std::string>& argv,
                               Deadline deadline,
                               const Progress& progress,
                               const std::stop_token& stop);

// Starts a program in a session of its own with output appended to `log`; it goes on when we end.
Status start_detached(const std::vector<std::string>& argv, const std::filesystem::path& log);

}  // namespace harness::lab
