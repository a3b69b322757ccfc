// Which instant of a window to visit next. Pure: what was visited in, an instant out.
//
// The opening first, then always the middle of the largest gap between instants that were hit:
// 0, 50, 25, 75 % ..., and just before and just after the window early on. What counts is where an
// effect landed, not where it was aimed, and so it aims earlier by what the effects so far came
// late. A hit that could not be judged is none. An instant that was aimed at twice is left alone,
// and what lies between two that were missed comes last: the target may not be there for a part of
// the window.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/aim/offset.h"

namespace harness::aim {

struct SweepPlan {
  Microseconds length{0};      // learned, or said in the suite
  Microseconds resolution{0};  // no gap larger than this is left
  bool around = true;          // also just before and just after
  bool before = true;          // false: no earlier marker leaves room to aim before
  int count = 0;               // most trials; 0: no limit
  Microseconds time{0};        // most wall time; 0: no limit
  // Stop when so many judged hits inside the window passed that a rate of failures above
  // `fail_rate` would have shown itself with this probability; 0: do not.
  double confidence = 0;
  double fail_rate = 0.1;
};

struct Visit {
  Aim planned;
  std::optional<Microseconds> landed;  // from the opening; empty: missed
  bool failed = false;
  bool judged = true;  // false: it landed, and nobody knows whether that was survived
};

struct Next {
  std::optional<Aim> aim;  // empty: enough
  std::string why;         // "the middle of a gap of 120ms", "every gap is below 20ms"
};

Next next_instant(const SweepPlan& plan, const std::vector<Visit>& visits, Microseconds elapsed);

// The largest stretch of [0, length] without a judged hit.
Microseconds largest_gap(const SweepPlan& plan, const std::vector<Visit>& visits);

// Passes without a failure that `confidence` asks for.
int passes_wanted(double confidence, double fail_rate);

}  // namespace harness::aim
