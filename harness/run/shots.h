// Which trials a case gets, one after the other: the same instant until enough have landed, the
// instants of a sweep, or those of an earlier run.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harness/check/judge.h"
#include "harness/plan/plan.h"

namespace harness::run {

class Shots {
 public:
  // `attempts` bounds trials that all aim at one instant; a sweep has its own limits.
  Shots(const plan::Case& cell, int hits, int attempts);

  // Empty: the case has what it wants, or can get no more.
  std::optional<plan::Shot> next();
  // What became of the last one: the case's trials so far, the last one last.
  void landed(const std::vector<check::TrialVerdict>& trials, const check::Planned& planned);

  // Why a sweep ended; empty while it goes on, and for other cases.
  const std::string& why() const { return why_; }

 private:
  std::optional<plan::Shot> next_of_sweep();

  const plan::Case& cell_;
  const int attempts_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  int tried_ = 0;
  bool enough_ = false;
  std::optional<aim::Aim> last_;
  std::vector<aim::Visit> visits_;
  std::string why_;
};

}  // namespace harness::run
