// How often a case failed: of its hits only. A miss, an error and a trial that lacks facts are
// neither passes nor failures; they are counted apart.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/verdict.h"
#include "harness/stats/distributions.h"

namespace harness::stats {

struct Rate {
  int hits = 0;      // trials that landed and were judged
  int failures = 0;  // of the hits
  int alone = 0;  // failures without any fault: the fault never came, so they are not of the rate
  int missed = 0;
  int beside = 0;  // aimed before or after the window, where others were aimed inside it
  int errors = 0;
  int unproven = 0;  // landed, but facts are missing

  double seen() const { return hits == 0 ? 0 : static_cast<double>(failures) / hits; }

  Interval interval() const { return exact_interval(failures, hits); }

  Json to_json() const;
};

// Those that a rate is about: what was aimed inside the window; all of them, where nothing was.
std::vector<check::TrialVerdict> of_the_window(const std::vector<check::TrialVerdict>& trials);
Rate rate_of(const std::vector<check::TrialVerdict>& trials);
// "1 of 20 hits failed: 5.0 % (exact 95 % interval 0.1 % to 24.9 %)", and what did not count.
std::string describe(const Rate& rate);
// The same for cases with more than one hit; of one hit a rate says nothing.
std::optional<Rate> rate_worth_showing(const check::CaseVerdict& one);

}  // namespace harness::stats
