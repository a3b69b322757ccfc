// Two failure rates against each other.
#pragma once

#include <optional>
#include <vector>

#include "harness/stats/distributions.h"

namespace harness::stats {

struct Counts {
  int failures = 0;
  int trials = 0;

  double rate() const { return trials == 0 ? 0 : static_cast<double>(failures) / trials; }
};

// Fisher's exact test, two-sided: the chance of every table with these margins that is no likelier
// than the one seen. 1 when a side has no trial.
double fisher_exact(Counts before, Counts after);
// The smallest p that so many trials can give at all: none failed before, all after.
double smallest_p(int before, int after);

// after - before, with its interval from the exact 95 % intervals of both (Zou and Donner, 2008).
struct RiskDifference {
  double seen = 0;
  Interval interval{-1, 1};
};

RiskDifference risk_difference(Counts before, Counts after);

// Trials in each run with which two true rates are told apart at `alpha`, two-sided, with `power`
// (Fleiss, with the continuity correction, which is close to Fisher's test). Nothing when the rates
// are equal: no number would do.
std::optional<double> trials_to_tell(double before,
                                     double after,
                                     double alpha = 0.05,
                                     double power = 0.8);

// Trials in each run, none of which may fail, that rule out a rise by `rise` and can give a p of
// `level`; at most `cap`.
int trials_to_rule_out(double rise, double level, int cap);

// Holm's step-down: each p corrected for the company it is in, in the given order.
std::vector<double> holm(const std::vector<double>& p);

}  // namespace harness::stats
