// Strict reading of one mapping: every value is asked for by name and type, and what nobody asked
// for is an error. Problems are collected, so that a user sees all of a file's mistakes at once.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/time.h"
#include "harness/yaml/value.h"

namespace harness::yaml {

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  const std::string& file() const { return file_; }

  void add(const Value& where, std::string_view text);

  bool none() const { return lines_.empty(); }

  // invalid_input with one line per problem, in the file's order; success when there are none.
  Status status() const;

 private:
  struct Entry {
    int line;
    int column;
    std::string text;
  };

  std::string file_;
  std::vector<Entry> lines_;
};

class Reader {
 public:
  // `what` names the mapping for messages: "node", "suite". A value that is no mapping is a
  // problem.
  Reader(const Value& value, std::string what, Problems& problems);

  bool has(std::string_view key) const;
  // The key's own value, marked as asked for; null when it is absent.
  const Value* take(std::string_view key);

  const Value& where() const { return value_; }

  Problems& problems() { return problems_; }

  // Absent required keys are problems and yield an empty value.
  std::string text(std::string_view key);
  std::string text_or(std::string_view key, std::string fallback);
  std::int64_t integer_or(std::string_view key,
                          std::int64_t fallback,
                          std::int64_t least,
                          std::int64_t most);
  bool boolean_or(std::string_view key, bool fallback);
  Microseconds duration_or(std::string_view key, Microseconds fallback);
  std::string choice_or(std::string_view key,
                        const std::vector<std::string>& choices,
                        std::string fallback);
  // A sequence of texts; a single text counts as a sequence of one when `one_is_many`.
  std::vector<std::string> texts(std::string_view key, bool one_is_many = false);
  // The elements of a sequence; absent: none.
  std::vector<const Value*> items(std::string_view key, bool required = false);

  // Every key that nobody asked for becomes a problem, with the nearest known key as a hint.
  void finish();

 private:
  std::optional<std::string> scalar(std::string_view key);

  const Value& value_;
  const std::string what_;
  Problems& problems_;
  std::set<std::string, std::less<>> asked_;
};

// The one of `known` that `word` was probably meant to be; empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);
// " (did you mean 'x'?)" or nothing.
std::string hint(std::string_view word, const std::vector<std::string>& known);

}  // namespace harness::yaml
