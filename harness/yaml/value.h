// A YAML file as plain values, each with its place. yaml-cpp does the reading and does not leak out
// of this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace harness::yaml {

struct Member;

struct Value {
  enum class Kind { null, scalar, sequence, mapping };
  Kind kind = Kind::null;
  std::string scalar;
  bool quoted = false;  // "no" in quotes is a text, never a boolean
  int line = 0;         // from 1
  int column = 0;       // from 1
  std::vector<Value> items;
  std::vector<Member> members;  // in the file's order

  const Value* find(std::string_view key) const;
};

struct Member {
  Value key;
  Value value;
};

// invalid_input with "file:line:column: what is wrong" for text that is not YAML, not UTF-8, has
// two documents, a key twice in a mapping, or is nested or aliased beyond reason.
Result<Value> parse(std::string_view text, const std::string& file);
// As above; a file that cannot be read is invalid_input with its name.
Result<Value> read(const std::string& path);
// A file's text, for who needs it beside its values.
Result<std::string> read_text(const std::string& path);

}  // namespace harness::yaml
