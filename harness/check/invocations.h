// The runs of each node's service, out of its journal. Part of gathering facts.
#pragma once

#include "harness/check/facts.h"

namespace harness::check {

// Fills `facts.invocations`; everything else must be there already.
void index_invocations(TrialFacts& facts);

}  // namespace harness::check
