#include "harness/check/judge.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>
#include <fnmatch.h>

namespace harness::check {
namespace {

bool named(const CheckResult& check, const Planned& planned) {
  const std::string glob = "*" + planned.fatal + "*";
  return check.verdict == Verdict::fail &&
         (planned.because.empty() ||
          std::ranges::find(planned.because, check.name) != planned.because.end()) &&
         (planned.fatal.empty() || ::fnmatch(glob.c_str(), check.reason.c_str(), 0) == 0);
}

bool as_expected(const TrialVerdict& trial, const Planned& planned) {
  if (!trial.counts || trial.verdict != Verdict::fail) {
    return false;
  }
  return (planned.because.empty() && planned.fatal.empty()) ||
         std::ranges::any_of(trial.checks,
                             [&](const CheckResult& check) { return named(check, planned); });
}

// What was aimed beside a window says nothing of the window, unless the whole case was aimed there.
std::function<bool(const TrialVerdict&)> says_of_the_case(const std::vector<TrialVerdict>& trials) {
  const bool all_beside = std::ranges::all_of(trials, &TrialVerdict::aimed_beside);
  return [all_beside](const TrialVerdict& trial) { return all_beside || !trial.aimed_beside(); };
}

// What a passing case must not hide: failures beside the window, and hazards.
std::string notes_of(const std::vector<TrialVerdict>& trials) {
  std::string out;
  for (const TrialVerdict& trial : trials) {
    if (!trial.counts && trial.reason.find("(not counted: ") != std::string::npos) {
      out += fmt::format("; note: trial {} {}", trial.trial, trial.reason);
    }
    for (const CheckResult& check : trial.checks) {
      if (check.verdict == Verdict::pass && check.reason.starts_with("hazard ")) {
        out += fmt::format("; note: trial {} {}: {}", trial.trial, check.name, check.reason);
      }
    }
  }
  return out;
}

void against_expectation(CaseVerdict& out, const Planned& planned) {
  if (out.expect != "fail") {
    return;
  }
  if (out.outcome == Verdict::pass) {
    out.verdict = Verdict::fail;
    out.reason =
        fmt::format("unexpected pass: {} should have shown itself; {}", out.issue, out.reason);
  } else if (out.outcome == Verdict::fail) {
    const bool expected = std::ranges::any_of(
        out.trials, [&](const TrialVerdict& trial) { return as_expected(trial, planned); });
    out.verdict = expected ? Verdict::pass : Verdict::fail;
    out.reason = expected ? fmt::format("failed as expected ({}): {}", out.issue, out.reason)
                          : fmt::format("failed, but not for the reason expected ({}: {}{}): {}",
                                        out.issue,
                                        fmt::join(planned.because, ", "),
                                        planned.fatal.empty() ? "" : " '" + planned.fatal + "'",
                                        out.reason);
  }
}

}  // namespace

Planned Planned::from_json(const Json& json) {
  Planned out{.name = json_string(json, "name"),
              .expect = json_string(json, "expect", "pass"),
              .issue = json_string(json, "issue"),
              .hits = static_cast<int>(json_int(json, "hits", 1)),
              .because = {},
              .fatal = json_string(json, "fatal")};
  if (const auto found = json.find("because"); found != json.end() && found->is_array()) {
    for (const Json& one : *found) {
      if (one.is_string()) {
        out.because.push_back(one.get<std::string>());
      }
    }
  }
  return out;
}

bool enough(const std::vector<TrialVerdict>& trials, const Planned& planned) {
  const auto says = says_of_the_case(trials);
  const auto landed = std::ranges::count_if(trials, [&](const TrialVerdict& trial) {
    return trial.counts &&
           (planned.expect == "fail" ? trial.verdict == Verdict::fail : says(trial));
  });
  return landed >= planned.hits;
}

CaseVerdict fold(const Planned& planned, std::vector<TrialVerdict> trials) {
  CaseVerdict out{.name = planned.name,
                  .expect = planned.expect,
                  .issue = planned.issue,
                  .trials = std::move(trials)};
  const auto count = [&](const std::function<bool(const TrialVerdict&)>& is) {
    return static_cast<int>(std::ranges::count_if(out.trials, is));
  };
  const auto first = [&](Verdict verdict) {
    const auto found = std::ranges::find_if(
        out.trials, [&](const TrialVerdict& trial) { return trial.verdict == verdict; });
    return found == out.trials.end() ? std::string()
                                     : fmt::format("trial {}: {}", found->trial, found->reason);
  };
  const int failures = count(
      [](const TrialVerdict& trial) { return trial.counts && trial.verdict == Verdict::fail; });
  const auto passed = [](const TrialVerdict& trial) {
    return trial.counts && trial.verdict == Verdict::pass;
  };
  const auto says = says_of_the_case(out.trials);
  const int passes = count([&](const TrialVerdict& trial) { return passed(trial) && says(trial); });
  const int others = count(passed) - passes;
  const std::string beside =
      others == 0 ? "" : fmt::format("; {} pass(es) beside the window not counted", others);
  if (out.trials.empty()) {
    out.outcome = Verdict::skip;
    out.reason = "no trial was run";
  } else if (failures > 0) {
    out.outcome = Verdict::fail;
    out.reason = first(Verdict::fail);
  } else if (passes >= planned.hits) {
    out.outcome = Verdict::pass;
    out.reason =
        fmt::format("{} of {} trial(s) landed and passed{}", passes, out.trials.size(), beside);
  } else if (out.trials.back().verdict == Verdict::error) {
    out.outcome = Verdict::error;
    out.reason = fmt::format("trial {}: {}", out.trials.back().trial, out.trials.back().reason);
  } else if (out.trials.back().verdict == Verdict::skip) {
    out.outcome = Verdict::skip;
    out.reason = fmt::format("trial {}: {}", out.trials.back().trial, out.trials.back().reason);
  } else {
    out.outcome = Verdict::unproven;
    const std::string why = first(Verdict::unproven);
    out.reason = fmt::format("{} of {} hit(s) in {} trial(s){}{}{}",
                             passes,
                             planned.hits,
                             out.trials.size(),
                             beside,
                             why.empty() ? "" : "; ",
                             why);
  }
  out.verdict = out.outcome;
  out.reason += notes_of(out.trials);
  against_expectation(out, planned);
  return out;
}

Verdict worst(const std::vector<CaseVerdict>& cases) {
  for (const Verdict verdict : {Verdict::fail, Verdict::error, Verdict::unproven, Verdict::pass}) {
    if (std::ranges::find(cases, verdict, &CaseVerdict::verdict) != cases.end()) {
      return verdict;
    }
  }
  return Verdict::skip;
}

int exit_status(const std::vector<CaseVerdict>& cases, bool dirty) {
  if (dirty) {
    return 5;
  }
  switch (worst(cases)) {
    case Verdict::fail:
      return 1;
    case Verdict::error:
      return 3;
    case Verdict::unproven:
      return 4;
    case Verdict::pass:
      return 0;
    case Verdict::skip:
      return cases.empty() ? 0 : 4;
  }
  return 3;
}

}  // namespace harness::check
