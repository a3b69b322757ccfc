#include "harness/guard/trigger_logic.h"

#include <algorithm>

#include <fmt/format.h>

namespace harness::guard {

bool TriggerLogic::eligible() const {
  return !invocation_.empty() && (trigger_.any_invocation || invocation_ != baseline_);
}

TriggerLogic::Verdict TriggerLogic::feed(const Json& fact) {
  const std::string invocation =
      json_string(fact, "type") == "journal" ? json_string(fact, "invocation") : "";
  if (!invocation.empty() && invocation != invocation_) {
    if (opened()) {
      reason_ = "the service began a new invocation while the window was open and before the fault";
      return Verdict::missed;
    }
    invocation_ = invocation;
  }
  const auto any = [&](const std::vector<event::Marker>& markers) {
    return std::ranges::any_of(
        markers, [&](const event::Marker& marker) { return event::matches(marker, fact); });
  };
  if (!opened()) {
    if (eligible() && any(trigger_.open)) {
      opened_mono_us_ = json_int(fact, "mono_us");
      opened_wall_us_ = json_int(fact, "wall_us");
      return Verdict::armed;
    }
    return Verdict::wait;
  }
  if (any(trigger_.close)) {
    const std::int64_t length = json_int(fact, "mono_us") - opened_mono_us_;
    reason_ = length <= trigger_.offset.count()
                  ? fmt::format("the window closed after {} us, before the offset of {} us",
                                length,
                                trigger_.offset.count())
                  : fmt::format(
                        "the window closed after {} us, which was read before the fault of "
                        "offset {} us could fire",
                        length,
                        trigger_.offset.count());
    return Verdict::missed;
  }
  return Verdict::armed;
}

}  // namespace harness::guard
