#include "harness/yaml/value.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace harness::yaml {
namespace {

constexpr int kDeepest = 100;
constexpr std::size_t kMostValues = 200'000;
constexpr std::size_t kLargest = 16U << 20U;

struct Problem {
  int line;
  int column;
  std::string text;
};

class Converter {
 public:
  Value convert(const YAML::Node& node, int depth) {
    Value value;
    value.line = node.Mark().line + 1;
    value.column = node.Mark().column + 1;
    if (depth > kDeepest) {
      throw Problem{
          value.line, value.column, fmt::format("nested deeper than {} levels", kDeepest)};
    }
    if (++count_ > kMostValues) {
      throw Problem{value.line,
                    value.column,
                    fmt::format("more than {} values (aliases counted each time)", kMostValues)};
    }
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        value.kind = Value::Kind::scalar;
        value.scalar = node.Scalar();
        value.quoted = node.Tag() == "!";
        break;
      case YAML::NodeType::Sequence:
        value.kind = Value::Kind::sequence;
        for (const YAML::Node& item : node) {
          value.items.push_back(convert(item, depth + 1));
        }
        break;
      case YAML::NodeType::Map:
        convert_members(node, depth, value);
        break;
    }
    return value;
  }

 private:
  void convert_members(const YAML::Node& node, int depth, Value& value) {
    value.kind = Value::Kind::mapping;
    std::set<std::string> seen;
    for (const auto& member : node) {
      Value key = convert(member.first, depth + 1);
      if (key.kind != Value::Kind::scalar) {
        throw Problem{key.line, key.column, "a key must be a plain word"};
      }
      if (!seen.insert(key.scalar).second) {
        throw Problem{key.line, key.column, fmt::format("key '{}' comes twice", key.scalar)};
      }
      value.members.push_back({std::move(key), convert(member.second, depth + 1)});
    }
  }

  std::size_t count_ = 0;
};

// The byte where the text stops being UTF-8, or npos.
std::size_t not_utf8_at(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t more = c < 0x80                ? 0
                             : c >= 0xC2 && c < 0xE0 ? 1
                             : c >= 0xE0 && c < 0xF0 ? 2
                             : c >= 0xF0 && c < 0xF5 ? 3
                                                     : 9;
    if (more == 9 || i + more >= text.size() + (more == 0 ? 1 : 0)) {
      return i;
    }
    for (std::size_t k = 1; k <= more; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0U) != 0x80U) {
        return i;
      }
    }
    i += more + 1;
  }
  return std::string_view::npos;
}

tl::unexpected<Error> at(const std::string& file, int line, int column, std::string_view text) {
  return fail(ErrorCode::invalid_input, fmt::format("{}:{}:{}: {}", file, line, column, text));
}

}  // namespace

const Value* Value::find(std::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name.scalar == key) {
      return &value;
    }
  }
  return nullptr;
}

Result<Value> parse(std::string_view text, const std::string& file) {
  if (text.size() > kLargest) {
    return at(file, 1, 1, "the file is larger than 16 MB");
  }
  if (const std::size_t bad = not_utf8_at(text); bad != std::string_view::npos) {
    const std::string_view before = text.substr(0, bad);
    const auto line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
    const std::size_t start = before.rfind('\n') + 1;
    return at(file, line, static_cast<int>(bad - start) + 1, "this is not UTF-8");
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) {
      return at(file,
                documents[1].Mark().line + 1,
                1,
                "a second document begins; one file holds one document");
    }
    if (documents.empty() || documents[0].IsNull()) {
      return at(file, 1, 1, "the file is empty");
    }
    return Converter().convert(documents[0], 0);
  } catch (const Problem& problem) {
    return at(file, problem.line, problem.column, problem.text);
  } catch (const YAML::Exception& problem) {
    return at(file, problem.mark.line + 1, problem.mark.column + 1, problem.msg);
  }
}

Result<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  // Inserting the buffer of an empty file counts as a failure, so the end is looked for first.
  if (in && in.peek() != std::ifstream::traits_type::eof()) {
    text << in.rdbuf();
  }
  if (!in.is_open() || in.bad() || !text) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  }
  return text.str();
}

Result<Value> read(const std::string& path) {
  TRY_ASSIGN(const std::string text, read_text(path), "");
  return parse(text, path);
}

}  // namespace harness::yaml
