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
  const std::string& seen_on;  // whose window it is
};

// How long a time is, without its sign.
std::string length(std::int64_t us);

// `fault` was applied and left evidence.
Hit hit_elsewhere(const TrialFacts& facts, const ElsewhereAim& aimed, const FaultFact& fault);

}  // namespace harness::check
