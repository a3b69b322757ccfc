#include "harness/bench/distribution.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace harness::bench {
namespace {

std::optional<std::int64_t> number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc() ? std::optional(value) : std::nullopt;
}

// Fields are counted from 1, as in proc(5); the second, the name, may hold blanks and brackets.
std::optional<std::int64_t> stat_field(std::string_view stat, int field) {
  std::size_t at = stat.rfind(')');
  for (int passed = 2; at != std::string_view::npos && passed < field; ++passed) {
    at = stat.find(' ', at + 1);
  }
  return at == std::string_view::npos ? std::nullopt : number(stat.substr(at));
}

std::optional<std::int64_t> status_field(std::string_view status, std::string_view key) {
  for (std::size_t at = status.find(key); at != std::string_view::npos;
       at = status.find(key, at + 1)) {
    if ((at == 0 || status[at - 1] == '\n') && status.substr(at + key.size()).starts_with(':')) {
      return number(status.substr(at + key.size() + 1));
    }
  }
  return std::nullopt;
}

}  // namespace

std::int64_t Distribution::percentile(int percent) const {
  if (values_.empty()) {
    return 0;
  }
  std::vector<std::int64_t> sorted = values_;
  const std::size_t wanted = (sorted.size() * static_cast<std::size_t>(percent) + 99) / 100;
  const std::size_t index = std::clamp<std::size_t>(wanted, 1, sorted.size()) - 1;
  std::ranges::nth_element(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(index));
  return sorted[index];
}

Json Distribution::to_json() const {
  if (values_.empty()) {
    return {{"n", 0}};
  }
  return {{"min", percentile(0)},
          {"p50", percentile(50)},
          {"p90", percentile(90)},
          {"p99", percentile(99)},
          {"max", percentile(100)},
          {"n", size()}};
}

Result<Usage> usage_from(std::string_view stat, std::string_view status, std::int64_t mono_us) {
  const auto user = stat_field(stat, 14);
  const auto system = stat_field(stat, 15);
  const auto user_of_children = stat_field(stat, 16);
  const auto system_of_children = stat_field(stat, 17);
  const auto peak = status_field(status, "VmHWM");
  const auto resident = status_field(status, "VmRSS");
  if (!user || !system || !user_of_children || !system_of_children || !peak || !resident) {
    return fail(ErrorCode::remote_failed,
                "/proc/PID/stat or status lacks utime, stime, VmHWM or VmRSS: the process has "
                "ended, or this is no Linux that we know");
  }
  return Usage{.ticks = *user + *system + *user_of_children + *system_of_children,
               .peak_kb = *peak,
               .resident_kb = *resident,
               .mono_us = mono_us};
}

double share_of_core(const Usage& from, const Usage& to, std::int64_t ticks_per_second) {
  const auto passed = static_cast<double>(to.mono_us - from.mono_us) / 1e6;
  const auto busy =
      static_cast<double>(to.ticks - from.ticks) / static_cast<double>(ticks_per_second);
  return passed > 0 ? 100 * busy / passed : 0;
}

}  // namespace harness::bench
