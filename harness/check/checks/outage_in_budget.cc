// outage-in-budget: the longest gap of each server's readyz and livez is inside the budget. A gap
// in which only we could not see is not the product's.

#include <algorithm>

#include <fmt/format.h>

#include "harness/check/probing.h"
#include "harness/check/sight.h"

namespace harness::check {
namespace {

double seconds(std::int64_t us) {
  return static_cast<double>(us) / 1e6;
}

Finding found(const TrialFacts& facts) {
  if (facts.probes.empty()) {
    return unproven("no probe was recorded");
  }
  const std::int64_t budget = facts.outage_budget_us;
  std::int64_t worst = 0;
  std::string unseen;
  for (const auto& [node, by_name] : facts.probes) {
    for (const char* name : {"readyz", "livez"}) {
      const auto probes = by_name.find(name);
      if (probes == by_name.end() || probes->second.size() < 2) {
        return unproven(fmt::format("{} of {} was never asked", name, node));
      }
      const Gap gap = longest_gap(probes->second, 0);
      if (gap.certain_us > budget) {
        return failed(fmt::format("{} of {} was away for {:.1f} s, the budget is {:.0f} s: {}",
                                  name,
                                  node,
                                  seconds(gap.possible_us),
                                  seconds(budget),
                                  gap.detail));
      }
      if (gap.possible_us > budget) {
        unseen = fmt::format(
            "{} of {} was not ok or could not be seen for {:.1f} s, the budget is "
            "{:.0f} s",
            name,
            node,
            seconds(gap.possible_us),
            seconds(budget));
      }
      worst = std::max(worst, gap.possible_us);
    }
  }
  return unseen.empty() ? pass(fmt::format("longest gap {:.1f} s", seconds(worst)))
                        : unproven(unseen);
}

Finding judge(const TrialFacts& facts) {
  return unless_silent(facts, found(facts), {"readyz", "livez"});
}

}  // namespace

Check outage_in_budget() {
  return {"outage-in-budget", "Was kube-apiserver away no longer than the budget allows?", judge};
}

}  // namespace harness::check
