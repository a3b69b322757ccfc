#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "harness/base/time.h"
#include "harness/check/judge.h"

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
                             .seen_on = one.seen_on,
                             .original_us = one.original_us};
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
                   .to = facts.to ? facts.to->tag() : "",
                   .by_reboot = facts.by_reboot};
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

}  // namespace harness::check
