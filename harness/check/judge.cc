#include "harness/check/judge.h"

#include <algorithm>
#include <functional>
#include <map>

#include <fmt/format.h>
#include <fnmatch.h>

#include "harness/base/time.h"

namespace harness::check {
namespace {

void add_instant(TrialVerdict& out, const TrialFacts& facts, const Span& span) {
  if (span.closed_wall_us != 0 && !span.cut && !span.other_boot) {
    out.length_us = span.closed_mono_us - span.opened_mono_us;
  }
  if (facts.where == "after" && out.length_us) {
    out.planned_us = *out.length_us + facts.distance_us;
  }
  if (!facts.seen_on.empty()) {
    return;  // of another node's clock: find_hit knows
  }
  if (facts.fault_fact && facts.fault_fact->outcome == "applied" &&
      facts.fault_fact->effect_mono_us != 0 && span.boot_id == facts.fault_fact->boot_id) {
    out.landed_us = facts.fault_fact->effect_mono_us - span.opened_mono_us;
  }
}

void add_times(TrialVerdict& out, const TrialFacts& facts, const Hit& hit) {
  out.learned_us = facts.learned_us;
  if (facts.has_fault() && facts.where != "after") {  // that one hangs on the window's length
    out.planned_us = facts.where == "before" ? -facts.distance_us : facts.distance_us;
  }
  if (hit.span != nullptr) {
    out.opened_at = format_wall(hit.span->opened_wall_us);
    out.closed_at = hit.span->closed_wall_us == 0 ? "" : format_wall(hit.span->closed_wall_us);
    add_instant(out, facts, *hit.span);
    if (hit.landed_us) {
      out.landed_us = hit.landed_us;
      out.landed_error_us = hit.error_us;
    }
  }
  if (facts.fault_fact && facts.fault_fact->effect_mono_us != 0) {
    const FaultFact& fault = *facts.fault_fact;
    out.effect_at = format_wall(fault.effect_wall_us);
    out.evidence = hit.hit && !facts.seen_on.empty() ? hit.reason : fault.summary;
    if (fault.opened_mono_us != 0) {
      out.marker_to_action_us = fault.begun_mono_us - fault.opened_mono_us - facts.offset_us;
    }
    out.action_to_effect_us = fault.effect_mono_us - fault.begun_mono_us;
  }
}

void add_companions(TrialVerdict& out, const TrialFacts& facts) {
  for (const Companion& one : facts.companions) {
    const Hit hit = find_hit(facts, one);
    CompanionVerdict verdict{.fault = one.fault,
                             .params = one.params,
                             .window = one.window,
                             .aim = one.aim,
                             .target = one.target,
                             .hit = hit.hit,
                             .hit_reason = hit.reason,
                             .landed_us = {},
                             .seen_on = one.seen_on};
    verdict.landed_us = hit.landed_us;
    if (hit.landed_us) {
      verdict.landed_error_us = hit.error_us;
    }
    const bool at = one.seen_on.empty() && hit.span != nullptr && one.fact &&
                    one.fact->effect_mono_us != 0 && hit.span->boot_id == one.fact->boot_id;
    if (at) {
      verdict.landed_us = one.fact->effect_mono_us - hit.span->opened_mono_us;
    }
    if (out.hit && !hit.hit) {
      out.hit_reason = fmt::format("{} on {}: {}", one.fault, one.target, hit.reason);
    }
    out.hit = out.hit && hit.hit;
    out.companions.push_back(std::move(verdict));
  }
}

// Back-off that was announced since the upgrade's restart.
double back_off_of(const TrialFacts& facts) {
  std::map<std::string, std::int64_t> held;
  std::int64_t longest = 0;
  for (const BackOffFact& one : facts.back_offs) {
    const std::int64_t began = facts.restart_began_us(one.node);
    if (began != 0 && one.wall_us >= began) {
      std::int64_t& sum = held[one.node + "/" + one.container];
      sum += one.seconds;
      longest = std::max(longest, sum);
    }
  }
  return static_cast<double>(longest);
}

void combine(TrialVerdict& out) {
  const auto first = [&](Verdict wanted) {
    return std::ranges::find(out.checks, wanted, &CheckResult::verdict);
  };
  // What is left on a node may have made the product fail: it is never held against it.
  const auto healed = std::ranges::find(out.checks, "healed", &CheckResult::name);
  if (healed != out.checks.end() && healed->verdict == Verdict::error) {
    out.verdict = Verdict::error;
    out.reason = fmt::format("{}: {}", healed->name, healed->reason);
    return;
  }
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

// The records themselves say that nothing was done to any node.
bool never_touched(const TrialFacts& facts) {
  const auto records = facts.records();
  return facts.has_fault() && records.size() == facts.companions.size() + 1 &&
         std::ranges::all_of(records, [](const FaultFact* one) {
           return one->outcome == "missed" || one->outcome == "unsupported" ||
                  one->outcome == "expired";
         });
}

// What a node could not do, in its own words; empty: it could do all that was asked of it.
std::string not_supported(const TrialFacts& facts) {
  for (const FaultFact* one : facts.records()) {
    if (one->outcome == "unsupported") {
      return fmt::format("{} cannot do it: {}", one->node, one->reason);
    }
  }
  return {};
}

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

TrialVerdict judge_trial(const TrialFacts& facts) {
  TrialVerdict out{.trial = facts.trial,
                   .window = facts.window,
                   .offset = facts.offset,
                   .fault = facts.fault,
                   .target = facts.target,
                   .aim = facts.aim,
                   .seen_on = facts.seen_on,
                   .replays = facts.replays,
                   .original_us = facts.original_us,
                   .from = facts.from,
                   .to = facts.to ? facts.to->tag() : ""};
  if (facts.started_us != 0 && facts.finished_us > facts.started_us) {
    out.duration_s = static_cast<double>(facts.finished_us - facts.started_us) / 1e6;
  }
  out.back_off_s = back_off_of(facts);
  out.params = facts.params;
  const Hit hit = find_hit(facts);
  out.hit = hit.hit;
  out.hit_reason = hit.reason;
  add_times(out, facts, hit);
  add_companions(out, facts);
  out.stretched = std::ranges::any_of(facts.records(), &FaultFact::stretched);
  const std::string lacks = not_supported(facts);
  if (!lacks.empty() && facts.finished && !facts.interrupted && !facts.complete) {
    out.verdict = Verdict::skip;
    out.reason = lacks;
    return out;
  }
  if (facts.interrupted || !facts.finished || !facts.complete) {
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
  const bool by_itself = never_touched(facts) && out.verdict == Verdict::fail;
  if (by_itself) {
    out.reason = fmt::format("without any fault ({}): {}", out.hit_reason, out.reason);
  } else if (!lacks.empty() && out.verdict != Verdict::error) {
    out.verdict = Verdict::skip;
    out.reason = lacks;
  } else if (!out.hit && out.verdict != Verdict::error) {
    const std::string aside =
        out.verdict == Verdict::fail ? " (not counted: " + out.reason + ")" : "";
    out.verdict = Verdict::unproven;
    out.reason = "miss: " + out.hit_reason + aside;
  }
  out.counts =
      by_itself || (out.hit && (out.verdict == Verdict::pass || out.verdict == Verdict::fail));
  return out;
}

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
  const auto landed = std::ranges::count_if(trials, [&](const TrialVerdict& trial) {
    return trial.counts && (planned.expect != "fail" || trial.verdict == Verdict::fail);
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
  const int passes = count(
      [](const TrialVerdict& trial) { return trial.counts && trial.verdict == Verdict::pass; });
  if (out.trials.empty()) {
    out.outcome = Verdict::skip;
    out.reason = "no trial was run";
  } else if (failures > 0) {
    out.outcome = Verdict::fail;
    out.reason = first(Verdict::fail);
  } else if (passes >= planned.hits) {
    out.outcome = Verdict::pass;
    out.reason = fmt::format("{} of {} trial(s) landed and passed", passes, out.trials.size());
  } else if (out.trials.back().verdict == Verdict::error) {
    out.outcome = Verdict::error;
    out.reason = fmt::format("trial {}: {}", out.trials.back().trial, out.trials.back().reason);
  } else if (out.trials.back().verdict == Verdict::skip) {
    out.outcome = Verdict::skip;
    out.reason = fmt::format("trial {}: {}", out.trials.back().trial, out.trials.back().reason);
  } else {
    out.outcome = Verdict::unproven;
    out.reason = fmt::format("{} of {} hit(s) in {} trial(s); {}",
                             passes,
                             planned.hits,
                             out.trials.size(),
                             first(Verdict::unproven));
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
