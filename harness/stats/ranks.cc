#include "harness/stats/ranks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "harness/stats/distributions.h"

namespace harness::stats {
namespace {

// How many of the orders of m and n values have each U: the coefficients of the Gaussian binomial,
// as chances.
std::vector<double> chances_of_u(std::size_t m, std::size_t n) {
  std::vector<double> out(m * n + 1, 0);
  out[0] = 1;
  for (std::size_t j = 1; j <= m; ++j) {
    for (std::size_t u = out.size(); u-- > n + j;) {
      out[u] -= out[u - n - j];
    }
    for (std::size_t u = j; u < out.size(); ++u) {
      out[u] += out[u - j];
    }
  }
  const double all = std::accumulate(out.begin(), out.end(), 0.0);
  for (double& one : out) {
    one /= all;
  }
  return out;
}

double exact_p(double u, std::size_t m, std::size_t n) {
  const std::vector<double> chances = chances_of_u(m, n);
  const auto smaller = static_cast<std::size_t>(std::min(u, static_cast<double>(m * n) - u));
  double tail = 0;
  for (std::size_t i = 0; i <= smaller; ++i) {
    tail += chances[i];
  }
  return std::min(1.0, 2 * tail);
}

double approximate_p(double u, double m, double n, double ties) {
  const double all = m + n;
  const double variance = m * n / 12 * (all + 1 - ties / (all * (all - 1)));
  if (variance <= 0) {
    return 1;
  }
  const double away = std::max(0.0, std::abs(u - m * n / 2) - 0.5);
  return std::min(1.0, 2 * normal_above(away / std::sqrt(variance)));
}

}  // namespace

RankTest mann_whitney(const std::vector<double>& before, const std::vector<double>& after) {
  if (before.empty() || after.empty()) {
    return {};
  }
  RankTest out;
  std::map<double, double> times;
  for (const double a : after) {
    ++times[a];
    for (const double b : before) {
      out.u += a > b ? 1 : a == b ? 0.5 : 0;
    }
  }
  for (const double b : before) {
    ++times[b];
  }
  double ties = 0;
  for (const auto& [value, count] : times) {
    ties += count * count * count - count;
  }
  out.exact = ties == 0 && before.size() <= kExactUpTo && after.size() <= kExactUpTo;
  const auto m = static_cast<double>(before.size());
  const auto n = static_cast<double>(after.size());
  out.p =
      out.exact ? exact_p(out.u, before.size(), after.size()) : approximate_p(out.u, m, n, ties);
  out.delta = 2 * out.u / (m * n) - 1;
  return out;
}

std::optional<double> times_to_tell(double delta, double alpha, double power) {
  if (std::abs(delta) < 1e-9) {
    return std::nullopt;
  }
  const double reach = normal_quantile(1 - alpha / 2) + normal_quantile(power);
  return std::ceil(2 * reach * reach / (3 * delta * delta));
}

double median(std::vector<double> values) {
  if (values.empty()) {
    return 0;
  }
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace harness::stats
