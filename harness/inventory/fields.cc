#include "harness/inventory/fields.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/names.h"

namespace harness::inventory {
namespace fs = std::filesystem;

namespace {

std::string expand(const std::string& path, const std::string& file) {
  if (path.empty()) {
    return path;
  }
  if (path == "~" || path.starts_with("~/")) {
    const char* home = std::getenv("HOME");
    return std::string(home == nullptr ? "/root" : home) + path.substr(1);
  }
  return path.front() == '/' ? path
                             : (fs::path(file).parent_path() / path).lexically_normal().string();
}

bool plain(std::string_view text, std::string_view extra) {
  return !text.empty() && text.size() <= 253 && text.front() != '-' &&
         std::ranges::all_of(text, [&](unsigned char c) {
           return std::isalnum(c) != 0 ||
                  extra.find(static_cast<char>(c)) != std::string_view::npos;
         });
}

// The first `{word}` that is neither {address} nor {name}; empty: none. Other braces are the
// command's own.
std::string unknown_placeholder(std::string_view word) {
  for (std::size_t open = word.find('{'); open != std::string_view::npos;
       open = word.find('{', open + 1)) {
    const std::size_t close = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", open + 1);
    if (close == std::string_view::npos || word[close] != '}' || close == open + 1) {
      continue;
    }
    const std::string_view found = word.substr(open, close - open + 1);
    if (found != "{address}" && found != "{name}") {
      return std::string(found);
    }
  }
  return {};
}

}  // namespace

const std::vector<std::string>& known_conditions() {
  static const std::vector<std::string> kKnown = {
      "profile: cis", "air-gap images", std::string(kFirstServer), std::string(kJoiningServer)};
  return kKnown;
}

void check_name(yaml::Reader& reader,
                std::string_view key,
                const std::string& text,
                std::string_view extra) {
  if (reader.has(key) && !text.empty() && !plain(text, extra)) {
    reader.problems().add(
        *reader.take(key),
        fmt::format("'{}': letters, digits and {} are wanted, not '{}'", key, extra, text));
  }
}

std::string read_path(yaml::Reader& reader, std::string_view key, Need need) {
  const std::string text = need == Need::required ? reader.text(key) : reader.text_or(key, "");
  if (has_control_character(text)) {
    reader.problems().add(*reader.take(key),
                          fmt::format("'{}': a path without control characters is wanted", key));
    return {};
  }
  return expand(text, reader.problems().file());
}

Conditions read_conditions(yaml::Reader& reader) {
  Conditions out;
  for (const yaml::Value* value : reader.items("conditions")) {
    const auto& known = known_conditions();
    const bool by_place = value->scalar == kFirstServer || value->scalar == kJoiningServer;
    if (value->kind != yaml::Value::Kind::scalar) {
      reader.problems().add(*value, "a condition is one text, in quotes when it holds a colon");
    } else if (by_place) {
      reader.problems().add(
          *value,
          fmt::format("'{}' follows from the order of the nodes: the first server began "
                      "the cluster",
                      value->scalar));
    } else if (std::ranges::find(known, value->scalar) == known.end()) {
      reader.problems().add(*value,
                            fmt::format("there is no condition '{}'{}; there are {}",
                                        value->scalar,
                                        yaml::hint(value->scalar, known),
                                        fmt::join(known, ", ")));
    }
    out.insert(value->scalar);
  }
  return out;
}

std::vector<std::string> read_command(yaml::Reader& reader, std::string_view key) {
  std::vector<std::string> out;
  for (const yaml::Value* word : reader.items(key, reader.has(key))) {
    const std::string unknown = unknown_placeholder(word->scalar);
    if (word->kind != yaml::Value::Kind::scalar || word->scalar.empty() ||
        has_control_character(word->scalar)) {
      reader.problems().add(
          *word, fmt::format("a word of '{}' must be a text without control characters", key));
    } else if (!unknown.empty()) {
      reader.problems().add(
          *word,
          fmt::format("'{}': {} is not filled in; {{address}} and {{name}} are", key, unknown));
    }
    out.push_back(word->scalar);
  }
  return out;
}

}  // namespace harness::inventory
