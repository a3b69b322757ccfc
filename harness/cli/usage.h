// How wrong usage is told: by the word that nobody knows and the nearest that is known.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "harness/base/result.h"

namespace harness::cli {

// What was wrong with the words that `app` has parsed. A word that nobody knows is named before
// one that is missing, which it may have been meant to be.
Error wrong_usage(const CLI::App& app, const CLI::ParseError& problem);

// The first of `run`'s extras that cannot be one of GoogleTest's flags.
Status only_gtest_flags(const CLI::App& run, const std::vector<std::string>& extras);

}  // namespace harness::cli
