// As much of the protobuf wire format as CRI's requests and answers need: varints and
// length-delimited fields.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace harness::standin::proto {

class Writer {
 public:
  Writer& text(std::uint32_t field, std::string_view value);
  Writer& number(std::uint32_t field, std::uint64_t value);

  Writer& message(std::uint32_t field, const Writer& value) { return text(field, value.bytes()); }

  // map<string, string>: one message of key 1 and value 2 per entry.
  Writer& map(std::uint32_t field, const std::map<std::string, std::string>& values);

  const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value);
  std::string bytes_;
};

// The fields of one message, in order. Views point into the parsed text.
class Message {
 public:
  static Result<Message> parse(std::string_view bytes);

  // The last value of a field, as protobuf has it; empty or 0 when absent.
  std::string_view text(std::uint32_t field) const;
  std::uint64_t number(std::uint32_t field) const;
  bool has(std::uint32_t field) const;
  std::vector<std::string_view> all(std::uint32_t field) const;
  // A nested message; one that is malformed or absent is empty.
  Message message(std::uint32_t field) const;
  std::map<std::string, std::string> map(std::uint32_t field) const;

 private:
  struct Field {
    std::uint32_t id = 0;
    std::uint64_t number = 0;
    std::string_view text;
  };

  std::vector<Field> fields_;
};

}  // namespace harness::standin::proto
