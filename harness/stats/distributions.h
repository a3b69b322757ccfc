// The distributions that the tests of this folder need, by Boost.Math behind plain numbers. The
// only header of Boost.Math in this project is in distributions.cc, for it is slow to compile.
#pragma once

namespace harness::stats {

struct Interval {
  double low = 0;
  double high = 1;
};

// Clopper-Pearson: exact, two-sided. Of no trial at all nothing is known: 0 to 1.
Interval exact_interval(int failures, int trials, double confidence = 0.95);

// The chance of `marked` among `drawn` of `total`, of which `all_marked` are marked.
double hypergeometric(int marked, int drawn, int all_marked, int total);

// The normal distribution: the chance above z, and the z below which p lies.
double normal_above(double z);
double normal_quantile(double p);

}  // namespace harness::stats
