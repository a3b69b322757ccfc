#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "harness/check/elsewhere.h"
#include "harness/check/judge.h"

namespace harness::check {
namespace {

bool same_invocation(const Span& span, const FaultFact& fault) {
  return span.node == fault.node && span.boot_id == fault.boot_id &&
         (fault.invocation.empty() || span.invocation == fault.invocation);
}

// The window ends with its marker, or with the process where that ended first; the new invocation
// that tells of it comes seconds later. An end that the fault itself brought does not count against
// it.
std::int64_t end_of(const TrialFacts& facts, const Span& span, const FaultFact& fault) {
  std::int64_t end = span.other_boot ? INT64_MAX : span.closed_mono_us;
  const Invocation* one = facts.invocation(span.node, span.invocation);
  if (span.cut && one != nullptr && one->exited_mono_us != 0) {
    // Whose power is gone tells of no exit that this brought.
    end = fault.by_power || one->exited_mono_us < fault.begun_mono_us ? one->exited_mono_us
                                                                      : INT64_MAX;
  }
  return end;
}

// What a fault was aimed at, and what its record says: the case's first, or a further one.
struct Aimed {
  const std::string& window;
  const std::string& where;
  std::int64_t distance_us;
  const std::string& seen_on;
  const std::optional<FaultFact>& fact;
};

// The span that the fault was waiting for, so that a miss has its instants too.
Hit never_applied(const TrialFacts& facts, const Aimed& aimed) {
  if (!aimed.fact) {
    return {false, "no record of the fault was seen", nullptr};
  }
  if (aimed.fact->outcome.empty()) {
    return {false, "the fault's record never came to an end", nullptr};
  }
  const auto span = std::ranges::find_if(facts.spans, [&](const Span& one) {
    return one.window == aimed.window && !aimed.fact->invocation.empty() &&
           same_invocation(one, *aimed.fact);
  });
  return {false,
          fmt::format("{}: {}", aimed.fact->outcome, aimed.fact->reason),
          span == facts.spans.end() ? nullptr : &*span};
}

Hit without_fault(const TrialFacts& facts) {
  const bool ran = std::ranges::any_of(facts.steps, [](const Step& step) {
    return step.name == "restart" && !step.baseline && step.finished_us != 0;
  });
  return ran ? Hit{true, "no fault; the upgrade's step ran", nullptr}
             : Hit{false, "the upgrade's restart was not recorded", nullptr};
}

// Aimed outside on purpose: before the first opening, or after the last closing, of the same
// invocation.
Hit beside(const TrialFacts& facts, const Aimed& aimed) {
  const FaultFact& fault = *aimed.fact;
  const bool before = aimed.where == "before";
  const Span* near = nullptr;
  for (const Span& span : facts.spans) {
    if (span.window == aimed.window && same_invocation(span, fault) &&
        (near == nullptr || !before)) {
      near = &span;
    }
  }
  if (near == nullptr) {
    return {false,
            fmt::format("the window {} was never seen to open in the invocation of the effect",
                        aimed.window),
            nullptr};
  }
  if (!before && (near->closed_wall_us == 0 || near->cut)) {
    return {false, fmt::format("the window {} was not seen to close", aimed.window), near};
  }
  const std::int64_t off =
      fault.effect_mono_us - (before ? near->opened_mono_us : near->closed_mono_us);
  const char* const border = before ? "opening" : "closing";
  const std::int64_t most = furthest_beside(aimed.distance_us);
  if ((off < 0) != before) {
    return {false,
            fmt::format("aimed {} the window {}, the effect came {} {} its {}",
                        aimed.where,
                        aimed.window,
                        length(off),
                        before ? "after" : "before",
                        border),
            near};
  }
  if (std::abs(off) > most) {
    return {false,
            fmt::format("aimed {} {} the window {}, the effect came {} {} its {}: further off "
                        "than {}",
                        length(aimed.distance_us),
                        aimed.where,
                        aimed.window,
                        length(off),
                        aimed.where,
                        border,
                        length(most)),
            near};
  }
  return {
      true,
      fmt::format(
          "{}, {} {} the {} of {}", fault.summary, length(off), aimed.where, border, aimed.window),
      near};
}

Hit hit_of(const TrialFacts& facts, const Aimed& aimed) {
  if (!aimed.fact || aimed.fact->outcome != "applied") {
    return never_applied(facts, aimed);
  }
  const FaultFact& fault = *aimed.fact;
  if (fault.summary.empty() || fault.effect_mono_us == 0) {
    return {false, "the fault left no evidence", nullptr};
  }
  if (!fault.disproof.empty()) {
    return {false, fault.disproof, nullptr};
  }
  if (!aimed.seen_on.empty()) {
    return hit_elsewhere(
        facts, {aimed.window, aimed.where, aimed.distance_us, aimed.seen_on}, fault);
  }
  if (aimed.where == "before" || aimed.where == "after") {
    return beside(facts, aimed);
  }
  const Span* near = nullptr;
  const Span* other = nullptr;
  for (const Span& span : facts.spans) {
    if (span.window != aimed.window) {
      continue;
    }
    if (!same_invocation(span, fault)) {
      other = &span;
      continue;
    }
    near = &span;
    if (fault.effect_mono_us < span.opened_mono_us) {
      break;
    }
    if (span.closed_wall_us == 0 && fault.effect_mono_us <= span.still_open_mono_us) {
      return {true, fault.summary, near};
    }
    if (span.closed_wall_us == 0) {
      return {false, "the window was not seen to close, so nothing is proved", near};
    }
    if (fault.effect_mono_us <= end_of(facts, span, fault)) {
      return {true, fault.summary, near};
    }
  }
  if (near == nullptr) {
    return {
        false,
        other == nullptr
            ? fmt::format("the window {} was never seen to open", aimed.window)
            : fmt::format("the effect came in another invocation than the window {}", aimed.window),
        other};
  }
  const bool early = fault.effect_mono_us < near->opened_mono_us;
  const std::int64_t off =
      fault.effect_mono_us - (early ? near->opened_mono_us : end_of(facts, *near, fault));
  return {false,
          fmt::format("the effect came {} {} the window {}",
                      length(off),
                      early ? "before" : "after",
                      aimed.window),
          near};
}

}  // namespace

Hit find_hit(const TrialFacts& facts) {
  return facts.has_fault()
             ? hit_of(
                   facts,
                   {facts.window, facts.where, facts.distance_us, facts.seen_on, facts.fault_fact})
             : without_fault(facts);
}

Hit find_hit(const TrialFacts& facts, const Companion& one) {
  return hit_of(facts, {one.window, one.where, one.distance_us, one.seen_on, one.fact});
}

}  // namespace harness::check
