#include "harness/check/elsewhere.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "harness/base/time.h"

namespace harness::check {
namespace {

// On the wall clock of the span's node. 0: not known.
std::int64_t end_of(const TrialFacts& facts, const Span& span) {
  if (span.closed_wall_us == 0) {
    return 0;
  }
  if (span.other_boot) {
    // Open until the node went down: at least until the last line of that boot.
    std::int64_t last = 0;
    for (const JournalLine& line : facts.journal) {
      if (line.node == span.node && line.boot_id == span.boot_id) {
        last = std::max(last, line.wall_us);
      }
    }
    return last;
  }
  const Invocation* one = facts.invocation(span.node, span.invocation);
  if (span.cut && one != nullptr && one->exited_mono_us != 0) {
    return span.opened_wall_us + (one->exited_mono_us - span.opened_mono_us);
  }
  return span.closed_wall_us;
}

// Windows of the invocation that ran before the step are none of this trial's.
bool counts(const TrialFacts& facts, const Span& span, const ElsewhereAim& aimed) {
  const Invocation* one = facts.invocation(span.node, span.invocation);
  return span.node == aimed.seen_on && span.window == aimed.window &&
         (one == nullptr || !one->before);
}

Hit landed(bool hit, std::string reason, const Span& span, const Moved& effect) {
  return {.hit = hit,
          .reason = std::move(reason),
          .span = &span,
          .landed_us = effect.wall_us - span.opened_wall_us,
          .error_us = effect.error_us};
}

Hit inside(const TrialFacts& facts,
           const ElsewhereAim& aimed,
           const FaultFact& fault,
           const Moved& effect,
           const std::string& give) {
  const Span* near = nullptr;
  for (const Span& span : facts.spans) {
    if (!counts(facts, span, aimed)) {
      continue;
    }
    if (near != nullptr && effect.wall_us < span.opened_wall_us) {
      break;
    }
    near = &span;
    const std::int64_t end = end_of(facts, span);
    if (end == 0 && effect.wall_us >= span.opened_wall_us) {
      return landed(
          false,
          fmt::format(
              "{} of {} was not seen to close, so nothing is proved", aimed.window, aimed.seen_on),
          span,
          effect);
    }
    if (effect.wall_us - effect.error_us >= span.opened_wall_us &&
        effect.wall_us + effect.error_us <= end) {
      return landed(true,
                    fmt::format("{}, {} into {} of {}, {}",
                                fault.summary,
                                length(effect.wall_us - span.opened_wall_us),
                                aimed.window,
                                aimed.seen_on,
                                give),
                    span,
                    effect);
    }
  }
  if (near == nullptr) {
    return {false,
            fmt::format("the window {} of {} was never seen to open", aimed.window, aimed.seen_on),
            nullptr};
  }
  const bool early = effect.wall_us - effect.error_us < near->opened_wall_us;
  const std::int64_t off = effect.wall_us - (early ? near->opened_wall_us : end_of(facts, *near));
  const bool beyond = early ? off < 0 : off > 0;
  return landed(
      false,
      beyond ? fmt::format("the effect came {} {} {} of {}, {}",
                           length(off),
                           early ? "before" : "after",
                           aimed.window,
                           aimed.seen_on,
                           give)
             : fmt::format("the effect came {} {} the {} of {} of {}, {}: it may lie outside",
                           length(off),
                           early ? "after" : "before",
                           early ? "opening" : "end",
                           aimed.window,
                           aimed.seen_on,
                           give),
      *near,
      effect);
}

Hit after(const TrialFacts& facts,
          const ElsewhereAim& aimed,
          const FaultFact& fault,
          const Moved& effect,
          const std::string& give) {
  const Span* last = nullptr;
  for (const Span& span : facts.spans) {
    if (counts(facts, span, aimed)) {
      last = &span;
    }
  }
  if (last == nullptr || last->closed_wall_us == 0 || last->cut) {
    return {false,
            fmt::format("the window {} of {} was not seen to close", aimed.window, aimed.seen_on),
            last};
  }
  const std::int64_t off = effect.wall_us - last->closed_wall_us;
  const std::int64_t most = furthest_beside(aimed.distance_us) + effect.error_us;
  const bool hit = off - effect.error_us >= 0 && off <= most;
  return landed(hit,
                hit ? fmt::format("{}, {} after the closing of {} of {}, {}",
                                  fault.summary,
                                  length(off),
                                  aimed.window,
                                  aimed.seen_on,
                                  give)
                    : fmt::format("aimed after {} of {}, the effect came {} {} its closing, {}{}",
                                  aimed.window,
                                  aimed.seen_on,
                                  length(off),
                                  off < 0 ? "before" : "after",
                                  give,
                                  off > most ? ": further off than " + length(most) : ""),
                *last,
                effect);
}

}  // namespace

std::int64_t furthest_beside(std::int64_t distance_us) {
  constexpr std::int64_t kRoomUs = 250'000;
  return 2 * distance_us + kRoomUs;
}

std::string length(std::int64_t us) {
  return format_duration(Microseconds(std::abs(us)));
}

Hit hit_elsewhere(const TrialFacts& facts, const ElsewhereAim& aimed, const FaultFact& fault) {
  const auto effect = facts.moved(fault.node, fault.boot_id, fault.effect_wall_us, aimed.seen_on);
  if (!effect) {
    return {false,
            fmt::format("the clocks of {} and {} were never compared, so nothing is proved",
                        fault.node,
                        aimed.seen_on),
            nullptr};
  }
  const std::string give =
      fmt::format("give or take {} of the two clocks", length(effect->error_us));
  return aimed.where == "after" ? after(facts, aimed, fault, *effect, give)
                                : inside(facts, aimed, fault, *effect, give);
}

}  // namespace harness::check
