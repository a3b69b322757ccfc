// A whole run: preflight, the lease, the planned cases hosted by GoogleTest, trials until enough
// have landed, verdicts and reports. Healing comes before every verdict.
#pragma once

#include "harness/run/session.h"

namespace harness::run {

// An error is one that came before the first trial: nothing was hurt. Two that come then are no
// errors but ends: a node that was dirty before, with exit status 5, and a signal or the time
// limit, with theirs and, where there is no folder yet, without one.
Result<RunEnd> run(const inventory::Inventory& inventory,
                   const plan::Plan& plan,
                   const RunOptions& options,
                   Interrupt& interrupt,
                   const Outside& outside = {});

}  // namespace harness::run
