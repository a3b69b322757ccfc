#include "harness/stats/proportions.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace harness::stats {

double fisher_exact(Counts before, Counts after) {
  const int total = before.trials + after.trials;
  const int failures = before.failures + after.failures;
  if (before.trials == 0 || after.trials == 0) {
    return 1;
  }
  // Tables that are as likely as the one seen differ from it in the last digits only.
  const double bound = hypergeometric(before.failures, before.trials, failures, total) * (1 + 1e-7);
  double p = 0;
  for (int k = 0; k <= std::min(before.trials, failures); ++k) {
    const double chance = hypergeometric(k, before.trials, failures, total);
    p += chance <= bound ? chance : 0;
  }
  return std::min(p, 1.0);
}

double smallest_p(int before, int after) {
  return fisher_exact({0, before}, {after, after});
}

RiskDifference risk_difference(Counts before, Counts after) {
  if (before.trials == 0 || after.trials == 0) {
    return {};
  }
  const Interval one = exact_interval(before.failures, before.trials);
  const Interval two = exact_interval(after.failures, after.trials);
  const double seen = after.rate() - before.rate();
  return {seen,
          {seen - std::hypot(after.rate() - two.low, one.high - before.rate()),
           seen + std::hypot(two.high - after.rate(), before.rate() - one.low)}};
}

std::optional<double> trials_to_tell(double before, double after, double alpha, double power) {
  const double apart = std::abs(after - before);
  if (apart < 1e-9) {
    return std::nullopt;
  }
  const double middle = (before + after) / 2;
  const double spread = before * (1 - before) + after * (1 - after);
  const double reach = normal_quantile(1 - alpha / 2) * std::sqrt(2 * middle * (1 - middle)) +
                       normal_quantile(power) * std::sqrt(spread);
  const double plain = reach * reach / (apart * apart);
  const double corrected = 1 + std::sqrt(1 + 4 / (plain * apart));
  return std::ceil(plain / 4 * corrected * corrected);
}

int trials_to_rule_out(double rise, double level, int cap) {
  for (int n = 1; n < cap; ++n) {
    if (exact_interval(0, n).high <= rise && smallest_p(n, n) <= level) {
      return n;
    }
  }
  return cap;
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return p[i]; });
  std::vector<double> out(p.size());
  double reached = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const double corrected = static_cast<double>(p.size() - rank) * p[order[rank]];
    reached = std::max(reached, std::min(1.0, corrected));
    out[order[rank]] = reached;
  }
  return out;
}

}  // namespace harness::stats
