// Whether what a check rests on was seen throughout. What was not may hide a failure, so a pass
// becomes unproven; a failure stays one.
#pragma once

#include <initializer_list>
#include <string_view>

#include "harness/check/check.h"

namespace harness::check {

// No probe of these names was silent from the node's restart to the photograph `after`.
Finding unless_silent(const TrialFacts& facts,
                      Finding finding,
                      std::initializer_list<std::string_view> probes);

// The target said nothing of these types: journal-problem, container-problem.
Finding unless_blind(const TrialFacts& facts,
                     Finding finding,
                     std::initializer_list<std::string_view> problems);

}  // namespace harness::check
