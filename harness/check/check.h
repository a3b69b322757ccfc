// A check is a pure function of a trial's facts to a verdict. It never touches a node. What it
// could not see it calls unproven; only what the product did or did not do is a fail.
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

// Every check, in the order of reports.
const std::vector<Check>& all_checks();

// Defined one per file in checks/.
Check apiserver_recovers();
Check etcd_recovers();
Check static_pods_match();
Check nodes_ready();
Check build_exact();
Check restarts_explained();
Check journal_clean();
Check order_kept();
Check outage_in_budget();
Check healed();

// Shorthands for checks.
Finding pass(std::string reason = {});
Finding failed(std::string reason);
Finding unproven(std::string reason);

}  // namespace harness::check
