#include "harness/drift/verdict.h"

#include <algorithm>

#include <fmt/format.h>

namespace harness::drift {
namespace {

std::string without_proof(const Source& source, const std::deque<Invocation>& invocations) {
  const auto any = [&](const auto& holds) { return std::ranges::any_of(invocations, holds); };
  const Unshown& unshown = source.unshown;
  if (!any(&Invocation::whole) && unshown.whole == 0) {
    return fmt::format("no start was seen{}{}",
                       invocations.empty() ? "" : ", only what came after its beginning",
                       source.to_see_a_start.empty() ? "" : ": " + source.to_see_a_start);
  }
  if (!any([](const Invocation& one) { return one.whole && one.ready; }) &&
      unshown.whole_and_ready == 0) {
    return "no start was seen from its beginning until it was ready: nothing says which markers it "
           "would still have written";
  }
  return "";
}

}  // namespace

Source source_of(const std::string& path, const journal::ReadReport& read) {
  Source out{.what = fmt::format("{} ({})", path, to_string(read.form)),
             .entries = read.entries,
             .unreadable = read.unreadable,
             .without_text = read.without_text,
             .to_see_a_start =
                 "hand over a journal that begins before systemd's line `Starting` of "
                 "the unit",
             .to_see_texts = "write it anew with `journalctl -o json --all` or `-o export`"};
  if (std::string lost = journal::missing(read); !lost.empty()) {
    out.problems.push_back(std::move(lost));
  }
  return out;
}

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
  std::uint64_t unread = source.unshown.without_text;
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
  const Unshown& unshown = source.unshown;
  if (unshown.drifted > 0 || std::ranges::any_of(invocations, &Invocation::drifts)) {
    return Verdict::differs;
  }
  const bool proved = unshown.proved > 0 || std::ranges::any_of(invocations, &Invocation::proves);
  return proved && doubts(source, invocations).empty() ? Verdict::same : Verdict::unproven;
}

}  // namespace harness::drift
