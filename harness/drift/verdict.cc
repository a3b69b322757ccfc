#include "harness/drift/verdict.h"

#include <algorithm>

#include <fmt/format.h>

namespace harness::drift {
namespace {

std::string without_proof(const Source& source, const std::deque<Invocation>& invocations) {
  const auto any = [&](const auto& holds) { return std::ranges::any_of(invocations, holds); };
  if (!any(&Invocation::whole)) {
    return fmt::format("no start was seen{}{}",
                       invocations.empty() ? "" : ", only what came after its beginning",
                       source.to_see_a_start.empty() ? "" : ": " + source.to_see_a_start);
  }
  if (!any([](const Invocation& one) { return one.whole && one.ready; })) {
    return "no start was seen from its beginning until it was ready: nothing says which markers it "
           "would still have written";
  }
  return "";
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::same:
      return "same";
    case Verdict::differs:
      return "differs";
    case Verdict::unproven:
      return "unproven";
  }
  return "unproven";
}

std::vector<std::string> doubts(const Source& source, const std::deque<Invocation>& invocations) {
  std::vector<std::string> out;
  if (std::string why = without_proof(source, invocations); !why.empty()) {
    out.push_back(std::move(why));
  }
  std::uint64_t unread = 0;
  for (const Invocation& one : invocations) {
    unread += one.without_text;
  }
  if (unread > 0) {
    out.push_back(
        fmt::format("{} line(s) of starts came without their text, and may be the markers "
                    "that are not seen{}",
                    unread,
                    source.to_see_texts.empty() ? "" : ": " + source.to_see_texts));
  }
  std::ranges::copy(source.problems, std::back_inserter(out));
  return out;
}

Verdict judge(const Source& source, const std::deque<Invocation>& invocations) {
  if (std::ranges::any_of(invocations, &Invocation::drifts)) {
    return Verdict::differs;
  }
  const bool proved = std::ranges::any_of(invocations, &Invocation::proves);
  return proved && doubts(source, invocations).empty() ? Verdict::same : Verdict::unproven;
}

}  // namespace harness::drift
