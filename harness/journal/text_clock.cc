#include "harness/journal/text_clock.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace harness::journal {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

// "09:07:39" or "09:07:39.123456" (a comma in some languages) as microseconds of the day.
std::optional<std::int64_t> clock_of(std::string_view text) {
  if (text.size() < 8 || text[2] != ':' || text[5] != ':') {
    return std::nullopt;
  }
  const std::int64_t hours = plain_number(text.substr(0, 2));
  const std::int64_t minutes = plain_number(text.substr(3, 2));
  const std::int64_t seconds = plain_number(text.substr(6, 2));
  if (hours < 0 || minutes < 0 || seconds < 0) {
    return std::nullopt;
  }
  std::int64_t us = 0;
  std::int64_t unit = kSecond;
  for (std::size_t at = 9; at < text.size() && text[at] >= '0' && text[at] <= '9' && unit > 1;
       ++at) {
    unit /= 10;
    us += (text[at] - '0') * unit;
  }
  return (hours * 3600 + minutes * 60 + seconds) * kSecond + us;
}

std::int64_t days_from_civil(std::int64_t year, std::int64_t month, std::int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = year / 400;
  const std::int64_t of_era = year - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

std::optional<std::int64_t> iso_of(std::string_view text) {
  if (text.size() < 19 || text[4] != '-' || text[7] != '-' || text[10] != 'T') {
    return std::nullopt;
  }
  const auto clock = clock_of(text.substr(11));
  const std::int64_t year = plain_number(text.substr(0, 4));
  const std::int64_t month = plain_number(text.substr(5, 2));
  const std::int64_t day = plain_number(text.substr(8, 2));
  if (!clock || year < 0 || month < 1 || day < 1) {
    return std::nullopt;
  }
  return days_from_civil(year, month, day) * 86400 * kSecond + *clock;
}

}  // namespace

std::int64_t plain_number(std::string_view text) {
  std::int64_t value = -1;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc() && end == text.data() + text.size() ? value : -1;
}

std::int64_t TextClock::month_of(std::string_view word) {
  constexpr std::array<std::string_view, 12> kEnglish = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (std::size_t i = 0; i < kEnglish.size(); ++i) {
    if (word == kEnglish[i]) {
      return static_cast<std::int64_t>(i) + 1;
    }
  }
  for (std::size_t i = 0; i < months_.size(); ++i) {
    if (months_[i] == word) {
      return static_cast<std::int64_t>(i) % 12 + 1;
    }
  }
  if (months_.size() < 12) {
    months_.emplace_back(word);
  }
  return static_cast<std::int64_t>(months_.size());
}

std::int64_t TextClock::read(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) {
      words.push_back(text.substr(at, end - at));
    }
    at = end + 1;
  }
  if (words.empty()) {
    return 0;
  }
  if (const auto iso = iso_of(words[0])) {  // short-iso
    return *iso;
  }
  if (words.size() >= 3 && words[1].size() == 10 && words[1][4] == '-') {  // short-full
    return iso_of(fmt::format("{}T{}", words[1], words[2])).value_or(0);
  }
  if (words.size() == 3) {  // short, short-precise: "May 16 09:07:39", of a year that is not said
    const auto clock = clock_of(words[2]);
    const std::int64_t day = plain_number(words[1]);
    return clock && day > 0
               ? days_from_civil(2000, month_of(words[0]), day) * 86400 * kSecond + *clock
               : 0;
  }
  const std::size_t dot = words.back().find('.');  // short-unix, short-monotonic "[   12.345678]"
  std::string_view seconds = words.back();
  while (!seconds.empty() && (seconds.front() == '[' || seconds.back() == ']')) {
    seconds.front() == '[' ? seconds.remove_prefix(1) : seconds.remove_suffix(1);
  }
  if (dot == std::string_view::npos || seconds.size() < 8 || seconds[seconds.size() - 7] != '.') {
    return 0;
  }
  const std::int64_t whole = plain_number(seconds.substr(0, seconds.size() - 7));
  const std::int64_t part = plain_number(seconds.substr(seconds.size() - 6));
  return whole < 0 || part < 0 ? 0 : whole * kSecond + part;
}

}  // namespace harness::journal
