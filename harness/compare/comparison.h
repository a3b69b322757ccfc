// Whether the second of two sets of cases is worse than the first: failures of hits by Fisher's
// exact test, recovery times of hits by Mann and Whitney's. Pure.
//
// Holm corrects all of these tests as one family: any of them, of either kind, makes the whole
// comparison worse or better, and where nothing has changed that is to happen at most as often as
// kLevel says.
//
// Trials that the fault stretched are never counted with natural ones: a pair of cases that has
// hits of both kinds on both sides is two lines.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/compare/pairing.h"
#include "harness/stats/proportions.h"
#include "harness/stats/ranks.h"
#include "harness/stats/rate.h"

namespace harness::compare {

inline constexpr double kLevel = 0.05;
inline constexpr double kRise = 0.5;  // of the failure rate, that "no difference" must rule out

enum class Outcome { worse, better, same, too_few };

// "worse", "better", "no difference", "too few trials"
std::string_view to_string(Outcome outcome);

struct Side {
  std::string name;  // of the case
  stats::Rate rate;
  // Of each hit, in seconds: until everything that its checks time was back. Of a failed one it is
  // infinite.
  std::vector<double> recovery_s;
  int untimed = 0;  // hits that passed without a time

  stats::Counts counts() const { return {rate.failures, rate.hits}; }
};

struct Line {
  std::string what;  // fault, window and target
  std::string by;    // why these two cases
  bool stretched = false;
  Side before, after;
  double p_failures = 1;       // as Fisher's test has it
  double p_failures_holm = 1;  // corrected
  stats::RiskDifference difference;
  stats::RankTest recovery;
  double p_recovery_holm = 1;
  Outcome outcome = Outcome::too_few;
  std::string reason;
  std::optional<int> hits_wanted;  // in each run, with which it would be decided
};

struct Comparison {
  std::vector<Line> lines;
  std::vector<Unpaired> unpaired;
  int tests = 0;  // of failures and of times, with something on both sides: what Holm corrects for
  Outcome outcome = Outcome::too_few;
  std::string reason;

  Json to_json() const;
};

Comparison compare(const std::vector<check::CaseVerdict>& before,
                   const std::vector<check::CaseVerdict>& after);

// 0 no difference or better, 1 worse, 4 too few trials.
int exit_status(Outcome outcome);

}  // namespace harness::compare
