// What journalctl prints for people.

#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "harness/journal/forms.h"
#include "harness/journal/text_clock.h"

namespace harness::journal {
namespace {

constexpr std::size_t kLongestPrefix = 200;

struct Prefix {
  std::string_view time;  // everything before the host
  std::string_view host;
  std::string_view ident;
  std::int64_t pid = 0;
  std::string_view message;
};

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
  Prefix out{.pid = plain_number(line.substr(bracket + 1, end - bracket - 1)),
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

  ReadReport& report_;
  const Take& take_;
  TextClock clock_;
  std::string boot_ = "boot-1";
  std::string invocation_;
  std::string unit_;
  int boots_ = 1;
  int runs_ = 0;
  std::int64_t pid_ = 0;    // of the rke2 process that spoke last in this invocation; 0: none yet
  bool announced_ = false;  // systemd's lines are there, and tell invocations better than processes
};

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
  hand_over({.wall_us = clock_.read(prefix.time),
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
