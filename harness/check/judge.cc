#include "harness/check/judge.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "harness/base/time.h"

namespace harness::check {
namespace {

void add_times(TrialVerdict& out, const TrialFacts& facts, const Hit& hit) {
  if (hit.span != nullptr) {
    out.opened_at = format_wall(hit.span->opened_wall_us);
    out.closed_at = hit.span->closed_wall_us == 0 ? "" : format_wall(hit.span->closed_wall_us);
  }
  if (facts.fault_fact && facts.fault_fact->effect_mono_us != 0) {
    const FaultFact& fault = *facts.fault_fact;
    out.effect_at = format_wall(fault.effect_wall_us);
    out.evidence = fault.summary;
    if (fault.opened_mono_us != 0) {
      out.marker_to_action_us = fault.begun_mono_us - fault.opened_mono_us - facts.offset_us;
    }
    out.action_to_effect_us = fault.effect_mono_us - fault.begun_mono_us;
  }
}

void combine(TrialVerdict& out) {
  const auto first = [&](Verdict wanted) {
    return std::ranges::find(out.checks, wanted, &CheckResult::verdict);
  };
  for (const Verdict wanted : {Verdict::fail, Verdict::error, Verdict::unproven}) {
    if (const auto found = first(wanted); found != out.checks.end()) {
      out.verdict = wanted;
      out.reason = fmt::format("{}: {}", found->name, found->reason);
      return;
    }
  }
  out.verdict = Verdict::pass;
  out.reason = out.evidence.empty() ? "every check passed" : out.evidence + "; every check passed";
}

}  // namespace

TrialVerdict judge_trial(const TrialFacts& facts) {
  TrialVerdict out{.trial = facts.trial,
                   .window = facts.window,
                   .offset = facts.offset,
                   .fault = facts.fault,
                   .target = facts.target,
                   .from = facts.from,
                   .to = facts.to ? facts.to->tag() : ""};
  if (facts.started_us != 0 && facts.finished_us > facts.started_us) {
    out.duration_s = static_cast<double>(facts.finished_us - facts.started_us) / 1e6;
  }
  const Hit hit = find_hit(facts);
  out.hit = hit.hit;
  out.hit_reason = hit.reason;
  add_times(out, facts, hit);
  if (!facts.finished || !facts.complete || facts.interrupted) {
    out.verdict = Verdict::error;
    out.reason = facts.interrupted ? "interrupted"
                 : facts.finished  ? facts.end_reason
                                   : "the trial was cut off";
    out.hit = false;
    return out;
  }
  for (const Check& check : all_checks()) {
    Finding finding = check.judge(facts);
    out.checks.push_back(
        {std::string(check.name), finding.verdict, std::move(finding.reason), finding.recovery_s});
  }
  combine(out);
  if (!out.hit && out.verdict != Verdict::error) {
    const std::string aside =
        out.verdict == Verdict::fail ? " (not counted: " + out.reason + ")" : "";
    out.verdict = Verdict::unproven;
    out.reason = "miss: " + hit.reason + aside;
  }
  out.counts = out.hit && (out.verdict == Verdict::pass || out.verdict == Verdict::fail);
  return out;
}

CaseVerdict fold(std::string name,
                 std::string expect,
                 std::string issue,
                 int hits_wanted,
                 std::vector<TrialVerdict> trials) {
  CaseVerdict out{.name = std::move(name),
                  .expect = std::move(expect),
                  .issue = std::move(issue),
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
  const int passes = count(
      [](const TrialVerdict& trial) { return trial.counts && trial.verdict == Verdict::pass; });
  if (out.trials.empty()) {
    out.outcome = Verdict::skip;
    out.reason = "no trial was run";
  } else if (failures > 0) {
    out.outcome = Verdict::fail;
    out.reason = first(Verdict::fail);
  } else if (passes >= hits_wanted) {
    out.outcome = Verdict::pass;
    out.reason = fmt::format("{} of {} trial(s) landed and passed", passes, out.trials.size());
  } else if (out.trials.back().verdict == Verdict::error) {
    out.outcome = Verdict::error;
    out.reason = fmt::format("trial {}: {}", out.trials.back().trial, out.trials.back().reason);
  } else {
    out.outcome = Verdict::unproven;
    out.reason = fmt::format("{} of {} hit(s) in {} trial(s); {}",
                             passes,
                             hits_wanted,
                             out.trials.size(),
                             first(Verdict::unproven));
  }
  out.verdict = out.outcome;
  if (out.expect == "fail" && out.outcome == Verdict::fail) {
    out.verdict = Verdict::pass;
    out.reason = fmt::format("failed as expected ({}): {}", out.issue, out.reason);
  } else if (out.expect == "fail" && out.outcome == Verdict::pass) {
    out.verdict = Verdict::fail;
    out.reason =
        fmt::format("unexpected pass: {} should have shown itself; {}", out.issue, out.reason);
  }
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
    case Verdict::skip:
      return 0;
  }
  return 3;
}

}  // namespace harness::check
