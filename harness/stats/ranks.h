// Two sets of times against each other, by their order alone: no shape of the times is assumed.
// Infinity is a time like any other, and the longest: it never came back.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace harness::stats {

struct RankTest {
  double u = 0;  // pairs in which `after` is the larger; a tie is half a pair
  double p = 1;  // Mann-Whitney, two-sided
  bool exact = false;
  double delta = 0;  // Cliff's delta (rank-biserial): 1 when every `after` is the larger
};

inline constexpr std::size_t kExactUpTo = 50;  // of each side, and only without ties

// Exact for few times without ties; else the normal approximation with the corrections for ties and
// continuity. p is 1 when a side is empty.
RankTest mann_whitney(const std::vector<double>& before, const std::vector<double>& after);

// Times in each run with which such a delta is told from chance at `alpha`, two-sided, with `power`
// (Noether). Nothing for a delta of zero: no number would do.
std::optional<double> times_to_tell(double delta, double alpha = 0.05, double power = 0.8);

// Zero of none.
double median(std::vector<double> values);

}  // namespace harness::stats
