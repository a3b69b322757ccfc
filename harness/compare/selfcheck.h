// Whether the harness can be believed: lanes whose outcome is known before they run, judged from a
// run's verdicts. Pure.
//
// A lane that did not run, or not often enough, has not held.
#pragma once

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/compare/comparison.h"

namespace harness::compare {

enum class Held { yes, no, unproven };

std::string_view to_string(Held held);

struct Lane {
  std::string name;
  std::string expected;
  std::string came;
  Held held = Held::unproven;
};

struct Selfcheck {
  std::vector<Lane> lanes;
  Comparison noise;  // of the third lane

  // No when one lane did not hold, yes when all did.
  Held held() const;

  std::string to_markdown() const;
  Json to_json() const;
};

// 1. v1.30.11 to v1.30.12 fails by itself, for the reason that the suite expects
//    (rancher/rke2#8269).
// 2. v1.30.12 to v1.30.13-rc2 passes with a kill in the start-up hooks.
// 3. v1.30.13-rc1 and -rc2, both from v1.30.12 and under the same faults, do not differ.
Selfcheck selfcheck(const std::vector<check::CaseVerdict>& cases);

// 0 when all held; 5, 124, 130 and 143 as the run ended; 1 when a lane did not hold, 3 as the run
// ended, else 4.
int exit_status(const Selfcheck& check, int of_the_run);

}  // namespace harness::compare
