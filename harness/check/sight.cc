#include "harness/check/sight.h"

#include <algorithm>

#include <fmt/format.h>

namespace harness::check {
namespace {

// From one answer to the next question. The period is 0.1 s; on a lab host that was starved of
// processors the longest of 81,000 was 4.1 s. An answer's own time-out is not part of it.
constexpr std::int64_t kSilentUs = 6'000'000;

std::string silence(const TrialFacts& facts,
                    const std::string& node,
                    const std::vector<Probe>& probes) {
  const std::int64_t from = facts.reference_us(node);
  const auto text = [](std::int64_t us, std::string_view when) {
    return fmt::format("was silent for {:.1f} s {}", static_cast<double>(us) / 1e6, when);
  };
  for (std::size_t i = 1; i < probes.size(); ++i) {
    const std::int64_t gap = probes[i].wall_us - probes[i - 1].answered_us;
    if (gap > kSilentUs && probes[i].wall_us > from) {
      return text(gap, "between two questions");
    }
  }
  const std::int64_t gap = probes.empty() ? 0 : facts.after_us() - probes.back().answered_us;
  return gap > kSilentUs ? text(gap, "before the photograph at the end") : "";
}

}  // namespace

Finding unless_silent(const TrialFacts& facts,
                      Finding finding,
                      std::initializer_list<std::string_view> probes) {
  if (finding.verdict != Verdict::pass) {
    return finding;
  }
  for (const auto& [node, by_name] : facts.probes) {
    for (const auto& [name, answers] : by_name) {
      if (std::ranges::find(probes, name) == probes.end()) {
        continue;
      }
      if (const std::string text = silence(facts, node, answers); !text.empty()) {
        return unproven(fmt::format("{} of {} {}", name, node, text));
      }
    }
  }
  return finding;
}

Finding unless_blind(const TrialFacts& facts,
                     Finding finding,
                     std::initializer_list<std::string_view> problems) {
  if (finding.verdict != Verdict::pass) {
    return finding;
  }
  for (const Problem& one : facts.problems) {
    const bool hit =
        one.node == facts.target ||
        std::ranges::find(facts.companions, one.node, &Companion::target) != facts.companions.end();
    if (hit && std::ranges::find(problems, one.type) != problems.end()) {
      return unproven(fmt::format("{}: {}: {}", one.node, one.type, one.text));
    }
  }
  return finding;
}

}  // namespace harness::check
