#include "harness/stats/rate.h"

#include <fmt/format.h>

namespace harness::stats {

using check::Verdict;

Rate rate_of(const std::vector<check::TrialVerdict>& trials) {
  Rate out;
  for (const check::TrialVerdict& trial : trials) {
    const bool judged = trial.verdict == Verdict::pass || trial.verdict == Verdict::fail;
    if (trial.verdict == Verdict::error) {
      ++out.errors;
    } else if (trial.hit && trial.counts && judged) {
      ++out.hits;
      out.failures += trial.verdict == Verdict::fail ? 1 : 0;
    } else if (!trial.hit && trial.counts && trial.verdict == Verdict::fail) {
      ++out.alone;
    } else if (!trial.hit) {
      ++out.missed;
    } else {
      ++out.unproven;
    }
  }
  return out;
}

std::string describe(const Rate& rate) {
  if (rate.hits == 0 && rate.alone + rate.missed + rate.errors + rate.unproven == 0) {
    return "no trial";
  }
  std::string out = "no hit";
  if (rate.hits > 0) {
    const Interval interval = rate.interval();
    out = fmt::format("{} of {} hit(s) failed: {:.1f} % (exact 95 % interval {:.1f} % to {:.1f} %)",
                      rate.failures,
                      rate.hits,
                      100 * rate.seen(),
                      100 * interval.low,
                      100 * interval.high);
  }
  const auto add = [&](int count, const char* what) {
    out += count == 0 ? "" : fmt::format("; {} {}", count, what);
  };
  add(rate.alone, "failed without any fault");
  add(rate.missed, "missed");
  add(rate.errors, "error(s) of the harness");
  add(rate.unproven, "landed without enough facts");
  return out;
}

Json Rate::to_json() const {
  Json out = {{"hits", hits},
              {"failures", failures},
              {"failed_without_fault", alone},
              {"missed", missed},
              {"errors", errors},
              {"unproven", unproven}};
  if (hits > 0) {
    const Interval range = interval();
    out["rate"] = seen();
    out["interval_95"] = {range.low, range.high};
  }
  return out;
}

std::optional<Rate> rate_worth_showing(const check::CaseVerdict& one) {
  const Rate rate = rate_of(one.trials);
  return rate.hits > 1 ? std::optional(rate) : std::nullopt;
}

}  // namespace harness::stats
