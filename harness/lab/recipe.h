// Runs a program whose diagnostics are progress and whose standard output is its answer: the
// recipes in scripts/lab.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/lab/lab.h"

namespace harness::lab {

// Every line of standard error goes to `progress` as it comes. The last line of standard output is
// the result. remote_failed with the last line said when it ends with a failure; refused when
// stopped (the program is ended).
Result<std::string> run_recipe(const std::vector<std::string>& argv,
                               const Progress& progress,
                               std::stop_token stop);

// invalid_input, with the versions that there are, when the stand-in has no such version. Without
// its list (recipes of somebody's own) every version may be.
Status check_standin_version(const std::string& version);

// The folder of the recipes, scripts/lab of the source tree that this was built from, or
// $HOOKSHOT_LAB_RECIPES.
std::filesystem::path recipes();

// The stand-in's binary beside which this was built, or $HOOKSHOT_LAB_STANDIN.
std::filesystem::path standin_binary();

}  // namespace harness::lab
