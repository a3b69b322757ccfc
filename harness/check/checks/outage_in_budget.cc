// outage-in-budget: the longest gap of each server's readyz is inside the budget. A gap in which
// only we could not see is not the product's.

#include <algorithm>

#include <fmt/format.h>

#include "harness/check/check.h"

namespace harness::check {
namespace {

struct Gap {
  std::int64_t longest_us = 0;
  bool seen = true;  // false: a longer gap than the budget in which the product was not seen at all
};

Gap longest_gap(const std::vector<Probe>& probes, std::int64_t budget_us) {
  Gap out;
  std::int64_t last_ok = probes.front().wall_us;
  std::int64_t first_down = 0;
  for (const Probe& probe : probes) {
    if (probe.outcome == "ok") {
      if (first_down != 0) {
        out.longest_us = std::max(out.longest_us, probe.wall_us - first_down);
      } else if (probe.wall_us - last_ok > budget_us) {
        out.seen = false;
      }
      last_ok = probe.wall_us;
      first_down = 0;
    } else if ((probe.outcome == "not-ok" || probe.outcome == "timeout") && first_down == 0) {
      first_down = probe.wall_us;
    }
  }
  if (first_down != 0) {
    out.longest_us = std::max(out.longest_us, probes.back().wall_us - first_down);
  }
  return out;
}

Finding judge(const TrialFacts& facts) {
  if (facts.probes.empty()) {
    return unproven("no probe was recorded");
  }
  std::int64_t worst = 0;
  for (const auto& [node, by_name] : facts.probes) {
    const auto probes = by_name.find("readyz");
    if (probes == by_name.end() || probes->second.size() < 2) {
      return unproven(fmt::format("readyz of {} was never asked", node));
    }
    const Gap gap = longest_gap(probes->second, facts.outage_budget_us);
    if (gap.longest_us > facts.outage_budget_us) {
      return failed(
          fmt::format("kube-apiserver of {} was away for {:.1f} s, the budget is {:.0f} s",
                      node,
                      static_cast<double>(gap.longest_us) / 1e6,
                      static_cast<double>(facts.outage_budget_us) / 1e6));
    }
    if (!gap.seen) {
      return unproven(fmt::format("{} could not be seen for longer than the budget", node));
    }
    worst = std::max(worst, gap.longest_us);
  }
  return pass(fmt::format("longest gap {:.1f} s", static_cast<double>(worst) / 1e6));
}

}  // namespace

Check outage_in_budget() {
  return {"outage-in-budget", "Was kube-apiserver away no longer than the budget allows?", judge};
}

}  // namespace harness::check
