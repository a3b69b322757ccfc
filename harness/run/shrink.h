// What of a failing case is needed for its failure: its faults taken away one after the other, each
// remaining set tried again at the failing trial's own anchors and confirmed k of n, as a single
// trial of a race proves little.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/verdict.h"
#include "harness/plan/plan.h"
#include "harness/run/replay.h"
#include "harness/run/smallest.h"

namespace harness::run {

struct Confirm {
  int failures = 2;
  int of = 3;

  // "2/3"; invalid_input says what is taken.
  static Result<Confirm> parse(std::string_view text);
  std::string text() const;
};

// What the trials of a set of faults say. Only hits count; errors and misses are tried again, as
// often as there are hits to get.
enum class Confirmed { not_yet, fails, survives, undecided };
Confirmed confirmed(const std::vector<check::TrialVerdict>& trials, const Confirm& confirm);

// The case with only some of its faults; index 0 is its first. What waited for a fault that is not
// there any more is armed with the others. The empty part is the case without any fault.
plan::Case part_of(const plan::Case& cell, const plan::Shot& shot, const Part& part);

// What does the whole shrink again.
std::vector<std::string> shrink_command(const ReplaySpec& trial,
                                        const std::string& inventory,
                                        const Confirm& confirm);

// A suite of that one case, for `hookshot run`.
std::string suite_text(const plan::Case& cell, const Confirm& confirm);

struct Candidate {
  std::string name;
  std::string faults;  // in words
  int hits = 0;
  int failures = 0;
  int trials = 0;
  Confirmed outcome = Confirmed::not_yet;
};

struct Shrunk {
  bool reproduced = false;            // the whole set failed again
  plan::Case smallest;                // meaningful when reproduced
  std::vector<Candidate> candidates;  // in the order in which they were tried

  Json to_json() const;
  // For people; `command` is how to see it again.
  std::string describe(const Confirm& confirm, const std::string& command) const;
};

// `next` runs one trial more of a case and gives all of its trials so far; its error ends it.
// `began` hears of each candidate before its first trial.
Result<Shrunk> shrink(
    const plan::Case& cell,
    const plan::Shot& shot,
    const Confirm& confirm,
    const std::function<Result<std::vector<check::TrialVerdict>>(const plan::Case&)>& next,
    const std::function<void(const plan::Case&)>& began);

}  // namespace harness::run
