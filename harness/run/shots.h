// Which trials a case gets, one after the other: the same instant until enough have landed, the
// instants of a sweep, or those of an earlier run.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harness/aim/sweep.h"
#include "harness/check/judge.h"
#include "harness/plan/plan.h"

namespace harness::run {

class Shots {
 public:
  // `repeat` times what the case asks for: its hits and attempts where all trials aim at one
  // instant; else the whole sweep, or all of the earlier run's trials, one time after the other.
  Shots(const plan::Case& cell, int repeat);

  // Empty: the case has what it wants, or can get no more.
  std::optional<plan::Shot> next();
  // What became of the last one: the case's trials so far, the last one last.
  void landed(const std::vector<check::TrialVerdict>& trials, const check::Planned& planned);

  // Why a sweep ended; empty while it goes on, and for other cases.
  const std::string& why() const { return why_; }

 private:
  aim::Next next_instant();
  std::optional<plan::Shot> next_of_sweep();

  const plan::Case& cell_;
  const int repeat_;
  int sweep_ = 1;  // which one this is, of `repeat_`
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();  // that one
  int tried_ = 0;
  bool enough_ = false;
  std::optional<aim::Aim> last_;
  std::vector<aim::Visit> visits_;  // of this sweep
  std::string why_;
};

}  // namespace harness::run
