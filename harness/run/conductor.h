// A whole run: preflight, the lease, the planned cases hosted by GoogleTest, trials until enough
// have landed, verdicts and reports. Healing comes before every verdict.
#pragma once

#include "harness/run/session.h"

namespace harness::run {

// An error is one that came before the first trial: nothing was hurt. A node that was dirty before
// is no error but an end with exit status 5.
Result<RunEnd> run(const inventory::Inventory& inventory,
                   const plan::Plan& plan,
                   const RunOptions& options,
                   Interrupt& interrupt,
                   const Outside& outside = {});

}  // namespace harness::run
