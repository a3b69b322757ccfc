// What journalctl prints for people. Times are read where the form carries them; lengths need no
// year, and a month in another language is as good as one in English.

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "harness/journal/forms.h"

namespace harness::journal {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::size_t kLongestPrefix = 200;

struct Prefix {
  std::string_view time;  // everything before the host
  std::string_view host;
  std::string_view ident;
  std::int64_t pid = 0;
  std::string_view message;
};

std::int64_t number(std::string_view text) {
  std::int64_t value = -1;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc() && end == text.data() + text.size() ? value : -1;
}

// "<time> <host> <ident>[<pid>]: <message>".
std::optional<Prefix> prefix_of(std::string_view line) {
  const std::size_t end = line.substr(0, kLongestPrefix).find("]: ");
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::size_t bracket = line.rfind('[', end);
  if (bracket == std::string_view::npos || bracket == 0) {
    return std::nullopt;
  }
  Prefix out{.pid = number(line.substr(bracket + 1, end - bracket - 1)),
             .message = line.substr(end + 3)};
  const std::size_t before_ident = line.rfind(' ', bracket);
  if (out.pid < 0 || before_ident == std::string_view::npos || before_ident == 0) {
    return std::nullopt;
  }
  out.ident = line.substr(before_ident + 1, bracket - before_ident - 1);
  const std::size_t before_host = line.rfind(' ', before_ident - 1);
  if (before_host != std::string_view::npos) {
    out.time = line.substr(0, before_host);
    out.host = line.substr(before_host + 1, before_ident - before_host - 1);
  }
  return out;
}

// "09:07:39" or "09:07:39.123456" (a comma in some languages) as microseconds of the day.
std::optional<std::int64_t> clock_of(std::string_view text) {
  if (text.size() < 8 || text[2] != ':' || text[5] != ':') {
    return std::nullopt;
  }
  const std::int64_t hours = number(text.substr(0, 2));
  const std::int64_t minutes = number(text.substr(3, 2));
  const std::int64_t seconds = number(text.substr(6, 2));
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
  const std::int64_t year = number(text.substr(0, 4));
  const std::int64_t month = number(text.substr(5, 2));
  const std::int64_t day = number(text.substr(8, 2));
  if (!clock || year < 0 || month < 1 || day < 1) {
    return std::nullopt;
  }
  return days_from_civil(year, month, day) * 86400 * kSecond + *clock;
}

// The unit that a line of systemd is about, or nothing. Where its `StatusUnitFormat` is
// `description`, as it was everywhere before 250, the unit's name is in none of the lines that tell
// a start.
std::string_view unit_of(std::string_view message) {
  constexpr std::array<std::string_view, 6> kVerbs = {
      "Starting ", "Started ", "Stopping ", "Stopped ", "Failed to start ", "Reloading "};
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kNames = {
      {{kServer, kServer},
       {kAgent, kAgent},
       {"Rancher Kubernetes Engine v2 (server)", kServer},
       {"Rancher Kubernetes Engine v2 (agent)", kAgent}}};
  for (const std::string_view unit : {kServer, kAgent}) {
    if (message.starts_with(unit) && message.substr(unit.size()).starts_with(':')) {
      return unit;
    }
  }
  for (const std::string_view verb : kVerbs) {
    for (const auto& [name, unit] : kNames) {
      if (message.starts_with(verb) && message.substr(verb.size()).starts_with(name)) {
        return unit;
      }
    }
  }
  return {};
}

// What ExecStartPre of RKE2's units leaves, by `sh -xc`.
bool of_start_pre(std::string_view message) {
  return message.find("nm-cloud-setup.service") != std::string_view::npos;
}

// "[4.5K blob data]" stands for a message that journalctl finds unfit to print.
bool is_blob(std::string_view message) {
  return message.starts_with('[') && message.ends_with(" blob data]");
}

class TextReader {
 public:
  TextReader(ReadReport& report, const Take& take) : report_(report), take_(take) {}

  void line(std::string_view text);

 private:
  void tell(const Prefix& prefix);

  bool place(const Prefix& prefix);
  void begin_invocation();

  std::int64_t time_of(std::string_view text);
  std::int64_t month_of(std::string_view word);

  ReadReport& report_;
  const Take& take_;
  std::vector<std::string> months_;  // in order of appearance; enough for lengths
  std::string boot_ = "boot-1";
  std::string invocation_;
  std::string unit_;
  int boots_ = 1;
  int runs_ = 0;
  std::int64_t pid_ = 0;    // of the rke2 process that spoke last in this invocation; 0: none yet
  bool announced_ = false;  // systemd's lines are there, and tell invocations better than processes
};

std::int64_t TextReader::month_of(std::string_view word) {
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

std::int64_t TextReader::time_of(std::string_view text) {
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
    const std::int64_t day = number(words[1]);
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
  const std::int64_t whole = number(seconds.substr(0, seconds.size() - 7));
  const std::int64_t part = number(seconds.substr(seconds.size() - 6));
  return whole < 0 || part < 0 ? 0 : whole * kSecond + part;
}

void TextReader::begin_invocation() {
  invocation_ = fmt::format("run-{}", ++runs_);
  pid_ = 0;
}

// Which unit and invocation the line is of; false when of none.
bool TextReader::place(const Prefix& prefix) {
  if (prefix.ident == "systemd") {
    const std::string_view unit = unit_of(prefix.message);
    if (unit.empty() || prefix.pid != 1) {
      return false;
    }
    unit_ = unit;
    if (prefix.message.starts_with("Starting ")) {
      begin_invocation();
      announced_ = true;
    }
    return true;
  }
  if (prefix.ident == "sh" && of_start_pre(prefix.message)) {
    if (invocation_.empty() || (!announced_ && pid_ != 0)) {
      begin_invocation();
    }
    return true;
  }
  if (prefix.ident != "rke2") {
    return false;
  }
  if (invocation_.empty() || (!announced_ && pid_ != 0 && pid_ != prefix.pid)) {
    begin_invocation();
  }
  pid_ = prefix.pid;
  return true;
}

void TextReader::tell(const Prefix& prefix) {
  if (!place(prefix)) {
    return;
  }
  hand_over({.wall_us = time_of(prefix.time),
             .boot_id = boot_,
             .invocation = invocation_,
             .unit = unit_,
             .ident = std::string(prefix.ident),
             .pid = prefix.pid,
             .host = std::string(prefix.host),
             .message = std::string(prefix.message),
             .without_text = is_blob(prefix.message)},
            report_,
            take_);
}

void TextReader::line(std::string_view text) {
  if (text.starts_with("-- Boot ") || text.starts_with("-- Reboot --")) {
    boot_ = fmt::format("boot-{}", ++boots_);
    invocation_.clear();
    pid_ = 0;
    announced_ = false;
    return;
  }
  if (const auto prefix = prefix_of(text)) {
    tell(*prefix);
    return;
  }
  // The rest of a message of several lines is indented; "-- Logs begin" is journalctl's own.
  if (!text.empty() && text.front() != ' ' && text.front() != '\t' && !text.starts_with("-- ")) {
    ++report_.unreadable;
  }
}

}  // namespace

Status read_text(std::istream& in, ReadReport& report, const Take& take) {
  TextReader reader(report, take);
  std::string line;
  while (std::getline(in, line)) {
    if (!line.empty() && line.back() == '\r') {
      line.pop_back();
    }
    reader.line(line);
  }
  if (report.entries == 0 && report.unreadable > 0) {
    return fail(ErrorCode::invalid_input,
                "no line looks like one of a journal (\"<time> <host> rke2[<pid>]: <message>\")");
  }
  return {};
}

}  // namespace harness::journal
