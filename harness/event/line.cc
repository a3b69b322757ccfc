#include "harness/event/line.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

namespace harness::event {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}

std::string normal_level(std::string_view level) {
  std::string lower(level);
  std::ranges::transform(
      lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "warn") {
    return "warning";
  }
  if (lower == "err" || lower == "erro") {
    return "error";
  }
  if (lower == "fata") {
    return "fatal";
  }
  if (lower == "debu") {
    return "debug";
  }
  if (lower == "pani" || lower == "dpanic") {
    return "panic";
  }
  return lower;
}

// A double-quoted Go string at the front of `text`; what follows it stays in `text`.
std::string take_quoted(std::string_view& text, bool& ended) {
  std::string out;
  std::size_t at = 1;
  ended = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      ended = true;
      ++at;
      break;
    }
    if (c != '\\' || at + 1 >= text.size()) {
      out += c;
      continue;
    }
    const char escaped = text[++at];
    constexpr std::array<std::pair<char, char>, 3> kEscapes = {
        {{'n', '\n'}, {'t', '\t'}, {'r', '\r'}}};
    const auto* known = std::ranges::find(kEscapes, escaped, &std::pair<char, char>::first);
    out += known != kEscapes.end() ? known->second : escaped;
  }
  text.remove_prefix(at);
  return out;
}

std::optional<Line> as_logrus(std::string_view text) {
  Line line{.shape = Shape::logrus};
  bool has_level = false;
  bool has_msg = false;
  while (!text.empty()) {
    std::size_t key_end = 0;
    while (key_end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[key_end])) != 0 || text[key_end] == '_' ||
            text[key_end] == '.' || text[key_end] == '-' || text[key_end] == '/')) {
      ++key_end;
    }
    if (key_end == 0 || key_end >= text.size() || text[key_end] != '=') {
      break;
    }
    const std::string_view key = text.substr(0, key_end);
    text.remove_prefix(key_end + 1);
    std::string value;
    bool ended = true;
    if (text.starts_with('"')) {
      value = take_quoted(text, ended);
    } else {
      const std::size_t blank = std::min(text.find(' '), text.size());
      value = text.substr(0, blank);
      text.remove_prefix(blank);
    }
    if (key == "level" && !has_level) {
      line.level = normal_level(value);
      has_level = true;
    } else if (key == "msg" && !has_msg) {
      line.msg = std::move(value);
      line.truncated = !ended;
      has_msg = true;
    }
    while (text.starts_with(' ')) {
      text.remove_prefix(1);
    }
  }
  return has_level && has_msg ? std::optional(std::move(line)) : std::nullopt;
}

std::optional<Line> as_terminal(std::string_view text) {
  constexpr std::array<std::string_view, 7> kLevels = {
      "DEBU", "INFO", "WARN", "ERRO", "FATA", "PANI", "TRAC"};
  const auto* level =
      std::ranges::find_if(kLevels, [&](std::string_view name) { return text.starts_with(name); });
  if (level == kLevels.end() || text.size() < 6 || text[4] != '[') {
    return std::nullopt;
  }
  std::size_t at = 5;
  while (at < text.size() && digit(text[at])) {
    ++at;
  }
  if (at == 5 || at >= text.size() || text[at] != ']') {
    return std::nullopt;
  }
  std::string_view msg = text.substr(at + 1);
  while (msg.starts_with(' ')) {
    msg.remove_prefix(1);
  }
  while (msg.ends_with(' ')) {
    msg.remove_suffix(1);
  }
  return Line{
      .shape = Shape::logrus_terminal, .level = normal_level(*level), .msg = std::string(msg)};
}

// Flat JSON objects with string values are all that loggers write; anything else is skipped over.
std::optional<Line> as_json(std::string_view text) {
  if (!text.starts_with('{')) {
    return std::nullopt;
  }
  Line line{.shape = Shape::logrus_json};
  bool has_msg = false;
  text.remove_prefix(1);
  while (!text.empty()) {
    const std::size_t quote = text.find('"');
    if (quote == std::string_view::npos) {
      break;
    }
    text.remove_prefix(quote);
    bool ended = true;
    const std::string key = take_quoted(text, ended);
    if (!ended || !text.starts_with(':')) {
      continue;
    }
    text.remove_prefix(1);
    if (!text.starts_with('"')) {
      const char open = text.empty() ? '\0' : text.front();
      const std::size_t end =
          open == '{' || open == '[' ? text.find(open == '{' ? '}' : ']') : text.find(',');
      text.remove_prefix(std::min(end, text.size()));
      continue;
    }
    std::string value = take_quoted(text, ended);
    if (key == "level") {
      line.level = normal_level(value);
    } else if ((key == "msg" || key == "message") && !has_msg) {
      line.msg = std::move(value);
      line.truncated = !ended;
      has_msg = true;
    } else if (key == "logger" || key == "caller" || key == "ts") {
      line.shape = Shape::zap;
    }
  }
  return has_msg ? std::optional(std::move(line)) : std::nullopt;
}

std::optional<Line> as_klog(std::string_view text) {
  constexpr std::string_view kLetters = "IWEF";
  if (text.size() < 24 || kLetters.find(text[0]) == std::string_view::npos ||
      !std::ranges::all_of(text.substr(1, 4), digit) || text[5] != ' ' || !digit(text[6]) ||
      text[8] != ':') {
    return std::nullopt;
  }
  const std::size_t end = text.find("] ");
  constexpr std::array<std::string_view, 4> kNames = {"info", "warning", "error", "fatal"};
  return Line{
      .shape = Shape::klog,
      .level = std::string(kNames[kLetters.find(text[0])]),
      .msg = std::string(end == std::string_view::npos ? text.substr(6) : text.substr(end + 2))};
}

// "pkg/path.Function(0x1, ...)", "\t/path/file.go:12 +0x5d", "created by pkg.Function ...".
bool is_frame(std::string_view text) {
  if (text.starts_with('\t')) {
    return text.find(".go:") != std::string_view::npos;
  }
  const bool created = text.starts_with("created by ");
  const std::string_view name =
      created ? text.substr(11, text.find(' ', 11) - 11) : text.substr(0, text.rfind('('));
  return (created || text.ends_with(')')) && name.find('.') != std::string_view::npos &&
         name.find_first_of(" :=\"") == std::string_view::npos && !name.ends_with('.');
}

std::optional<Line> as_panic(std::string_view text) {
  for (const std::string_view start : {"panic: ", "fatal error: "}) {
    if (text.starts_with(start)) {
      return Line{
          .shape = Shape::panic, .level = "panic", .msg = std::string(text.substr(start.size()))};
    }
  }
  if ((text.starts_with("goroutine ") && text.find('[') != std::string_view::npos) ||
      text.starts_with("[signal SIG") || is_frame(text)) {
    return Line{.shape = Shape::trace, .level = {}, .msg = std::string(text)};
  }
  return std::nullopt;
}

// "<anything> rke2[4711]: rest" -> rest. Months and hosts are in any language.
std::string_view without_prefix(std::string_view raw) {
  const std::size_t colon = raw.find("]: ");
  if (colon == std::string_view::npos || colon > 120) {
    return raw;
  }
  const std::size_t open = raw.rfind('[', colon);
  if (open == std::string_view::npos || open + 1 == colon ||
      !std::ranges::all_of(raw.substr(open + 1, colon - open - 1), digit)) {
    return raw;
  }
  const std::string_view before = raw.substr(0, open);
  const bool has_clock =
      std::ranges::count(before, ':') >= 2 && std::ranges::count(before, ' ') >= 2;
  return has_clock && before.find('"') == std::string_view::npos ? raw.substr(colon + 3) : raw;
}

}  // namespace

Line parse_line(std::string_view raw) {
  std::string_view text = without_prefix(raw);
  while (text.ends_with('\n') || text.ends_with('\r')) {
    text.remove_suffix(1);
  }
  for (const auto& read : {as_logrus, as_json, as_klog, as_terminal, as_panic}) {
    if (auto line = read(text)) {
      return *std::move(line);
    }
  }
  return Line{.shape = Shape::plain, .level = {}, .msg = std::string(text)};
}

}  // namespace harness::event
