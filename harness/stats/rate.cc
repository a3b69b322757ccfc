#include "harness/stats/rate.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace harness::stats {

using check::Verdict;

std::vector<check::TrialVerdict> of_the_window(const std::vector<check::TrialVerdict>& trials) {
  std::vector<check::TrialVerdict> out;
  std::ranges::copy_if(trials, std::back_inserter(out), [](const check::TrialVerdict& trial) {
    return !trial.aimed_beside();
  });
  return out.empty() ? trials : out;
}

Rate rate_of(const std::vector<check::TrialVerdict>& trials) {
  const std::vector<check::TrialVerdict> counted = of_the_window(trials);
  Rate out{.beside = static_cast<int>(trials.size() - counted.size())};
  for (const check::TrialVerdict& trial : counted) {
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
  if (rate.hits == 0 && rate.alone + rate.missed + rate.beside + rate.errors + rate.unproven == 0) {
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
  add(rate.beside, "aimed beside the window");
  add(rate.errors, "error(s) of the harness");
  add(rate.unproven, "landed without enough facts");
  return out;
}

Json Rate::to_json() const {
  Json out = {{"hits", hits},
              {"failures", failures},
              {"failed_without_fault", alone},
              {"missed", missed},
              {"beside", beside},
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
