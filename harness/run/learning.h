// How long windows last, read out of a run's trials without a fault.
#pragma once

#include <string>

#include "harness/aim/lengths.h"
#include "harness/run/run_folder.h"

namespace harness::run {

struct Learning {
  int starts = 0;       // node starts whose windows were added
  int left_out = 0;     // trials that had a fault, were not complete, or did not pass
  std::string why_not;  // of the last that was left out
};

// Adds every window that opened and closed by its markers in the run's complete, passing trials
// without a fault. The caller saves.
Result<Learning> learn(const RunFolder& folder, aim::Lengths& lengths);

}  // namespace harness::run
