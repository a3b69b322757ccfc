// Whether a fault on one node fell while another node was in its window. The nodes' clocks differ,
// so the effect is an interval on the other node's clock, and it hit only when all of that lies
// inside.
#pragma once

#include <cstdint>
#include <string>

#include "harness/check/judge.h"

namespace harness::check {

struct ElsewhereAim {
  const std::string& window;
  const std::string& where;    // inside, or after its closing
  std::int64_t distance_us;    // from there
  const std::string& seen_on;  // whose window it is
};

// An effect further off than this from the border beside which it was aimed says nothing of what
// lies just before or after the window. Effects, and gaps to an earlier marker, vary: that has room
// in it.
std::int64_t furthest_beside(std::int64_t distance_us);

// How long a time is, without its sign.
std::string length(std::int64_t us);

// `fault` was applied and left evidence.
Hit hit_elsewhere(const TrialFacts& facts, const ElsewhereAim& aimed, const FaultFact& fault);

}  // namespace harness::check
