#include "harness/stats/distributions.h"

#include <algorithm>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/hypergeometric.hpp>
#include <boost/math/distributions/normal.hpp>

namespace harness::stats {

namespace math = boost::math;

Interval exact_interval(int failures, int trials, double confidence) {
  if (trials <= 0) {
    return {};
  }
  using Binomial = math::binomial_distribution<double>;
  const double side = (1 - confidence) / 2;
  return {Binomial::find_lower_bound_on_p(
              trials, failures, side, Binomial::clopper_pearson_exact_interval),
          Binomial::find_upper_bound_on_p(
              trials, failures, side, Binomial::clopper_pearson_exact_interval)};
}

double hypergeometric(int marked, int drawn, int all_marked, int total) {
  if (marked < std::max(0, drawn + all_marked - total) || marked > std::min(drawn, all_marked)) {
    return 0;
  }
  if (drawn == 0 || all_marked == 0) {
    return 1;
  }
  return math::pdf(math::hypergeometric_distribution<double>(static_cast<unsigned>(all_marked),
                                                             static_cast<unsigned>(drawn),
                                                             static_cast<unsigned>(total)),
                   marked);
}

double normal_above(double z) {
  return math::cdf(math::complement(math::normal_distribution<double>(), z));
}

double normal_quantile(double p) {
  return math::quantile(math::normal_distribution<double>(), p);
}

}  // namespace harness::stats
