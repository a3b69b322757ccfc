#include "harness/base/time.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

namespace harness {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t microseconds;
};

constexpr std::array<Unit, 5> kUnits = {
    {{"h", 3'600'000'000}, {"m", 60'000'000}, {"s", 1'000'000}, {"ms", 1'000}, {"us", 1}}};

}  // namespace

Result<Microseconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (problem == std::errc() && number >= 0 && text.front() != '-') {
    for (const Unit& known : kUnits) {
      if (known.name == unit && number <= INT64_MAX / known.microseconds) {
        return Microseconds(number * known.microseconds);
      }
    }
  }
  return fail(
      ErrorCode::invalid_input,
      fmt::format(
          "'{}' is not a duration; write a whole number and us, ms, s, m or h, such as 250ms",
          text));
}

std::string format_duration(Microseconds duration) {
  const std::int64_t count = duration.count();
  if (count == 0) {
    return "0s";
  }
  for (const Unit& unit : kUnits) {
    if (count % unit.microseconds == 0) {
      return fmt::format("{}{}", count / unit.microseconds, unit.name);
    }
  }
  return fmt::format("{}us", count);
}

std::string format_wall(std::int64_t wall_us) {
  std::int64_t seconds = wall_us / 1'000'000;
  std::int64_t rest = wall_us % 1'000'000;
  if (rest < 0) {
    rest += 1'000'000;
    --seconds;
  }
  const std::time_t when = seconds;
  std::tm parts{};
  gmtime_r(&when, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
                     parts.tm_year + 1900,
                     parts.tm_mon + 1,
                     parts.tm_mday,
                     parts.tm_hour,
                     parts.tm_min,
                     parts.tm_sec,
                     rest);
}

Result<std::int64_t> parse_wall(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* rest = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) {
    return fail(ErrorCode::invalid_input, fmt::format("'{}' is not an RFC 3339 time", text));
  }
  std::int64_t fraction = 0;
  if (*rest == '.') {
    ++rest;
    std::int64_t scale = 100'000;
    for (; *rest >= '0' && *rest <= '9'; ++rest, scale /= 10) {
      fraction += (*rest - '0') * scale;
    }
  }
  if (std::string_view(rest) != "Z") {
    return fail(ErrorCode::invalid_input,
                fmt::format("'{}' is not a time in UTC (it must end in Z)", text));
  }
  return static_cast<std::int64_t>(timegm(&parts)) * 1'000'000 + fraction;
}

std::int64_t wall_now_us() {
  return std::chrono::duration_cast<Microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::chrono::milliseconds Deadline::left() const {
  const auto remaining =
      std::chrono::ceil<std::chrono::milliseconds>(at_ - std::chrono::steady_clock::now());
  return std::max(remaining, std::chrono::milliseconds(0));
}

Deadline Deadline::at_most(std::chrono::nanoseconds duration) const {
  return Deadline(std::min(at_, Deadline::after(duration).at()));
}

}  // namespace harness
