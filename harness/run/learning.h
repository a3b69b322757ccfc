// How long windows last, read out of a run's trials: those without a fault, and those with a single
// one that stretches them.
#pragma once

#include <string>

#include "harness/aim/lengths.h"
#include "harness/run/run_folder.h"

namespace harness::run {

struct Learning {
  int starts = 0;       // node starts whose windows were added
  int known = 0;        // trials that were learned from before, and are left alone
  int left_out = 0;     // trials that had a fault, were not complete, or did not pass
  std::string why_not;  // of the last that was left out
};

// passing: a start that failed a check is no sample of a sound one. failing_too: for a release that
// cannot pass. Where its service died and began anew, a window counts as the first invocation had
// it that opened it: where the fault of a trial would fall.
enum class Learn { passing, failing_too };

// Adds every window that opened and closed by its markers in the run's complete trials without a
// fault; and apart from these, under what stretches, those of the target of a single fault that
// stretches and hit. Each trial once. The caller saves.
Result<Learning> learn(const RunFolder& folder, aim::Lengths& lengths, Learn from);

}  // namespace harness::run
