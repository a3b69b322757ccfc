// A whole run: preflight, the lease, the planned cases hosted by GoogleTest, trials until enough
// have landed, verdicts and reports. Healing comes before every verdict.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/inventory/inventory.h"
#include "harness/plan/plan.h"
#include "harness/run/interrupt.h"
#include "harness/run/progress.h"

namespace harness::run {

struct RunOptions {
  std::filesystem::path results = "results";
  int repeat = 1;
  std::optional<Microseconds> time_limit;
  std::vector<std::string> gtest_flags;  // --gtest_...
  Progress::Style style = Progress::Style::plain;
  std::string tool;
  std::vector<std::string> suites;  // the files, as they were given
};

struct RunEnd {
  std::filesystem::path folder;
  int exit_status = 3;
  std::string summary;  // Markdown
};

// An error is one that came before the first trial: nothing was hurt.
Result<RunEnd> run(const inventory::Inventory& inventory,
                   const plan::Plan& plan,
                   const RunOptions& options,
                   Interrupt& interrupt);

}  // namespace harness::run
