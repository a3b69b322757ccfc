#include "harness/guard/hosts_toml.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include <fmt/format.h>

#include "harness/base/names.h"

namespace harness::guard {
namespace {

constexpr std::size_t kMostHosts = 16;
constexpr std::string_view kBlank = " \t\r";
constexpr std::string_view kWord =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

std::string in_small_letters(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// Where the string that begins at `at` has its closing quote.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  while (++at < text.size() && text[at] != quote) {
    at += quote == '"' && text[at] == '\\' ? 1 : 0;
  }
  return at < text.size() ? at : std::string_view::npos;
}

bool ends_on_its_line(std::string_view value) {
  std::string open;
  std::size_t at = 0;
  for (; at < value.size() && value[at] != '#'; ++at) {
    const char c = value[at];
    if (c == '"' || c == '\'') {
      at = end_of_string(value, at);
      if (at == std::string_view::npos) {
        return false;
      }
    } else if (c == '[' || c == '{') {
      open += c == '[' ? ']' : '}';
    } else if (c == ']' || c == '}') {
      if (open.empty() || open.back() != c) {
        return false;
      }
      open.pop_back();
    }
  }
  return open.empty() && !trimmed(value.substr(0, at)).empty();
}

// One without a scheme is taken by containerd as https.
std::optional<PullHost> host_of(std::string_view url) {
  PullHost out{.host = {}, .ports = {}, .scheme = "https", .named_by = {}};
  if (const std::size_t mark = url.find("://"); mark != std::string_view::npos) {
    out.scheme = in_small_letters(url.substr(0, mark));
    url.remove_prefix(mark + 3);
  }
  const auto place = host_port_of(in_small_letters(url.substr(0, url.find_first_of("/?#"))));
  if (!place || (out.scheme != "https" && out.scheme != "http")) {
    return std::nullopt;
  }
  out.host = place->host;
  out.ports = {place->port != 0 ? place->port : out.scheme == "https" ? 443 : 80};
  return out;
}

class HostsFile {
 public:
  // What is wrong with the line; empty: nothing.
  std::string take(std::string_view line, const std::string& place) {
    line = trimmed(line);
    if (is_end_of_line(line)) {
      return {};
    }
    std::optional<std::string> url;
    std::string wrong = line.front() == '[' ? header(line.substr(1), url) : pair(line, url);
    if (!wrong.empty() || !url) {
      return wrong;
    }
    auto found = host_of(*url);
    if (!found) {
      return "its URL names no host that can be cut off";
    }
    const bool known = std::ranges::any_of(hosts_, [&](const PullHost& one) {
      return one.host == found->host && one.ports == found->ports && one.scheme == found->scheme;
    });
    if (!known) {
      found->named_by = place;
      hosts_.push_back(std::move(*found));
    }
    return hosts_.size() > kMostHosts ? fmt::format("there are more than {} hosts", kMostHosts)
                                      : std::string();
  }

  std::vector<PullHost> hosts() && { return std::move(hosts_); }

 private:
  std::string header(std::string_view rest, std::optional<std::string>& url) {
    table_ = take_word(rest);
    bool read = !table_.empty();
    if (table_ == "host" && rest.starts_with('.')) {
      rest.remove_prefix(1);
      url = take_string(rest);
      read = url.has_value();
      table_ = "host.URL";
      if (read && rest.starts_with('.')) {
        rest.remove_prefix(1);
        read = !take_word(rest).empty();
      }
    }
    return read && rest.starts_with(']') && is_end_of_line(rest.substr(1))
               ? ""
               : "no [table] or [host.\"URL\"]";
  }

  std::string pair(std::string_view rest, std::optional<std::string>& url) const {
    std::string key;
    if (rest.front() == '"' || rest.front() == '\'') {
      const std::size_t end = end_of_string(rest, 0);
      key = end == std::string_view::npos ? "" : std::string(rest.substr(1, end - 1));
      rest.remove_prefix(std::min(end, rest.size() - 1) + 1);
    } else {
      key = take_word(rest);
    }
    rest = trimmed(rest);
    if (key.empty() || !rest.starts_with('=')) {
      return "no key = value";
    }
    rest = trimmed(rest.substr(1));
    if (table_ == "host" || (table_.empty() && key == "host")) {
      return "a host has no [host.\"URL\"] of its own";
    }
    if (!table_.empty() || key != "server") {
      return ends_on_its_line(rest) ? "" : "the value does not end on its line";
    }
    url = take_string(rest);
    if (!url || !is_end_of_line(rest)) {
      return "the server is no plain string";
    }
    if (url->empty()) {
      url.reset();
    }
    return {};
  }

  std::string table_;
  std::vector<PullHost> hosts_;
};

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlank);
  return first == std::string_view::npos
             ? std::string_view()
             : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool is_end_of_line(std::string_view text) {
  text = trimmed(text);
  return text.empty() || text.front() == '#';
}

std::optional<std::string> take_string(std::string_view& rest) {
  if (!rest.starts_with('"') && !rest.starts_with('\'')) {
    return std::nullopt;
  }
  const std::size_t end = end_of_string(rest, 0);
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view text = rest.substr(1, end - 1);
  rest.remove_prefix(end + 1);
  return text.find('\\') == std::string_view::npos && !has_control_character(text)
             ? std::optional(std::string(text))
             : std::nullopt;
}

std::string take_word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find_first_not_of(kWord), rest.size());
  const std::string word(rest.substr(0, end));
  rest.remove_prefix(end);
  return word;
}

Result<std::vector<PullHost>> hosts_in(const std::string& text, const std::string& file) {
  HostsFile out;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string place = fmt::format("{}:{}", file, ++number);
    if (const std::string wrong = out.take(line, place); !wrong.empty()) {
      return fail(ErrorCode::not_supported,
                  fmt::format("{}: {}, so where containerd pulls from cannot be told; nothing was "
                              "touched. `server = \"URL\"` and `[host.\"URL\"]` are read, each on "
                              "a line of its own",
                              place,
                              wrong));
    }
  }
  return std::move(out).hosts();
}

}  // namespace harness::guard
