// A check is a pure function of a trial's facts to a verdict. It never touches a node. What it
// could not see it calls unproven; only what the product did or did not do is a fail.
//
// A check is one file in checks/: `x_y.cc` defines `Check x_y()`, whose name is "x-y". README.md
// has a row for each, samples/ a trial in which it passes and one in which it does not.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/check/facts.h"

namespace harness::check {

enum class Verdict { pass, fail, unproven, error, skip };
std::string_view to_string(Verdict verdict);
std::optional<Verdict> verdict_from(std::string_view text);

struct Finding {
  Verdict verdict = Verdict::unproven;
  std::string reason;
  std::optional<double> recovery_s;  // from the reference to health, where the check knows
};

struct Check {
  std::string_view name;
  std::string_view question;
  std::function<Finding(const TrialFacts&)> judge;
};

// Every check there is, by name.
const std::vector<Check>& all_checks();

// Shorthands for checks.
Finding pass(std::string reason = {});
Finding failed(std::string reason);
Finding unproven(std::string reason);

// Keeps the worst: a failure that was seen counts more than a fact that is missing, and the first
// of equals stays.
void keep_worst(Finding& worst, Finding next);

}  // namespace harness::check
