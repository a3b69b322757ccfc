#include "harness/check/check.h"

#include <algorithm>
#include <array>

namespace harness::check {
namespace {

struct Name {
  Verdict verdict;
  std::string_view text;
};

constexpr std::array<Name, 5> kNames = {{{Verdict::pass, "pass"},
                                         {Verdict::fail, "fail"},
                                         {Verdict::unproven, "unproven"},
                                         {Verdict::error, "error"},
                                         {Verdict::skip, "skip"}}};

}  // namespace

std::string_view to_string(Verdict verdict) {
  return std::ranges::find(kNames, verdict, &Name::verdict)->text;
}

std::optional<Verdict> verdict_from(std::string_view text) {
  const auto* const found = std::ranges::find(kNames, text, &Name::text);
  return found == kNames.end() ? std::nullopt : std::optional(found->verdict);
}

Finding pass(std::string reason) {
  return {Verdict::pass, std::move(reason), std::nullopt};
}

Finding failed(std::string reason) {
  return {Verdict::fail, std::move(reason), std::nullopt};
}

Finding unproven(std::string reason) {
  return {Verdict::unproven, std::move(reason), std::nullopt};
}

void keep_worst(Finding& worst, Finding next) {
  const bool worse = worst.verdict == Verdict::pass ||
                     (worst.verdict == Verdict::unproven && next.verdict == Verdict::fail);
  if (worse && next.verdict != Verdict::pass) {
    worst = std::move(next);
  }
}

}  // namespace harness::check
