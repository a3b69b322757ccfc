#include "harness/yaml/reader.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace harness::yaml {
namespace {

const char* name_of(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::null:
      return "nothing";
    case Value::Kind::scalar:
      return "a single value";
    case Value::Kind::sequence:
      return "a list";
    case Value::Kind::mapping:
      return "a mapping";
  }
  return "?";
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
      corner = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t d = distance(word, candidate);
    if (d < least) {
      least = d;
      best = candidate;
    }
  }
  return best;
}

std::string hint(std::string_view word, const std::vector<std::string>& known) {
  const std::string near = nearest(word, known);
  return near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near);
}

void Problems::add(const Value& where, std::string_view text) {
  lines_.push_back({where.line, where.column, std::string(text)});
}

Status Problems::status() const {
  if (lines_.empty()) {
    return {};
  }
  std::vector<Entry> sorted = lines_;
  std::ranges::stable_sort(
      sorted, {}, [](const Entry& entry) { return std::pair(entry.line, entry.column); });
  std::string text;
  for (const Entry& entry : sorted) {
    text += fmt::format(
        "{}{}:{}:{}: {}", text.empty() ? "" : "\n", file_, entry.line, entry.column, entry.text);
  }
  return fail(ErrorCode::invalid_input, text);
}

Reader::Reader(const Value& value, std::string what, Problems& problems)
    : value_(value), what_(std::move(what)), problems_(problems) {
  if (value.kind != Value::Kind::mapping) {
    problems_.add(
        value,
        fmt::format("{} must be a mapping of keys to values, not {}", what_, name_of(value.kind)));
  }
}

bool Reader::has(std::string_view key) const {
  return value_.find(key) != nullptr;
}

const Value* Reader::take(std::string_view key) {
  asked_.emplace(key);
  return value_.find(key);
}

std::optional<std::string> Reader::scalar(std::string_view key) {
  const Value* value = take(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->kind != Value::Kind::scalar) {
    problems_.add(*value,
                  fmt::format("'{}' must be a single value, not {}", key, name_of(value->kind)));
    return std::nullopt;
  }
  return value->scalar;
}

std::string Reader::text(std::string_view key) {
  if (!has(key)) {
    asked_.emplace(key);
    if (value_.kind == Value::Kind::mapping) {
      problems_.add(value_, fmt::format("{} needs the key '{}'", what_, key));
    }
    return {};
  }
  const auto found = scalar(key);
  if (found && found->empty()) {
    problems_.add(*value_.find(key), fmt::format("'{}' must not be empty", key));
  }
  return found.value_or("");
}

std::string Reader::text_or(std::string_view key, std::string fallback) {
  return scalar(key).value_or(std::move(fallback));
}

std::int64_t Reader::integer_or(std::string_view key,
                                std::int64_t fallback,
                                std::int64_t least,
                                std::int64_t most) {
  const auto found = scalar(key);
  if (!found) {
    return fallback;
  }
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(found->data(), found->data() + found->size(), number);
  if (problem != std::errc() || end != found->data() + found->size() || number < least ||
      number > most) {
    problems_.add(
        *value_.find(key),
        fmt::format(
            "'{}' must be a whole number from {} to {}, not '{}'", key, least, most, *found));
    return fallback;
  }
  return number;
}

bool Reader::boolean_or(std::string_view key, bool fallback) {
  const auto found = scalar(key);
  if (!found) {
    return fallback;
  }
  if ((*found != "true" && *found != "false") || value_.find(key)->quoted) {
    problems_.add(*value_.find(key),
                  fmt::format("'{}' must be true or false, not '{}'", key, *found));
  }
  return *found == "true";
}

Microseconds Reader::duration_or(std::string_view key, Microseconds fallback) {
  const auto found = scalar(key);
  if (!found) {
    return fallback;
  }
  const auto duration = parse_duration(*found);
  if (!duration) {
    problems_.add(*value_.find(key), fmt::format("'{}': {}", key, duration.error().message()));
  }
  return duration.value_or(fallback);
}

std::string Reader::choice_or(std::string_view key,
                              const std::vector<std::string>& choices,
                              std::string fallback) {
  const auto found = scalar(key);
  if (!found) {
    return fallback;
  }
  if (std::ranges::find(choices, *found) == choices.end()) {
    problems_.add(*value_.find(key),
                  fmt::format("'{}' must be one of {}, not '{}'{}",
                              key,
                              fmt::join(choices, ", "),
                              *found,
                              hint(*found, choices)));
    return fallback;
  }
  return *found;
}

std::vector<std::string> Reader::texts(std::string_view key, bool one_is_many) {
  const Value* value = take(key);
  std::vector<std::string> out;
  if (value == nullptr) {
    return out;
  }
  if (one_is_many && value->kind == Value::Kind::scalar) {
    return {value->scalar};
  }
  for (const Value* item : items(key)) {
    if (item->kind == Value::Kind::scalar) {
      out.push_back(item->scalar);
    } else {
      problems_.add(
          *item,
          fmt::format(
              "an element of '{}' must be a single value, not {}", key, name_of(item->kind)));
    }
  }
  return out;
}

std::vector<const Value*> Reader::items(std::string_view key, bool required) {
  const Value* value = take(key);
  std::vector<const Value*> out;
  if (value == nullptr) {
    if (required && value_.kind == Value::Kind::mapping) {
      problems_.add(value_, fmt::format("{} needs the key '{}'", what_, key));
    }
    return out;
  }
  if (value->kind != Value::Kind::sequence) {
    problems_.add(*value, fmt::format("'{}' must be a list, not {}", key, name_of(value->kind)));
    return out;
  }
  if (required && value->items.empty()) {
    problems_.add(*value, fmt::format("'{}' must not be empty", key));
  }
  for (const Value& item : value->items) {
    out.push_back(&item);
  }
  return out;
}

void Reader::finish() {
  const std::vector<std::string> known(asked_.begin(), asked_.end());
  for (const auto& [key, value] : value_.members) {
    if (!asked_.contains(key.scalar)) {
      problems_.add(
          key, fmt::format("{} has no key '{}'{}", what_, key.scalar, hint(key.scalar, known)));
    }
  }
}

}  // namespace harness::yaml
