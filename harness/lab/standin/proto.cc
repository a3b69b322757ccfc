#include "harness/lab/standin/proto.h"

namespace harness::standin::proto {

namespace {

constexpr std::uint32_t kVarint = 0;
constexpr std::uint32_t kFixed64 = 1;
constexpr std::uint32_t kLength = 2;
constexpr std::uint32_t kFixed32 = 5;

bool take_varint(std::string_view& bytes, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      return true;
    }
  }
  return false;
}

bool take(std::string_view& bytes, std::uint64_t size, std::string_view& out) {
  if (size > bytes.size()) {
    return false;
  }
  out = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

}  // namespace

void Writer::varint(std::uint64_t value) {
  while (value >= 0x80) {
    bytes_ += static_cast<char>((value & 0x7f) | 0x80);
    value >>= 7;
  }
  bytes_ += static_cast<char>(value);
}

Writer& Writer::text(std::uint32_t field, std::string_view value) {
  varint(field << 3 | kLength);
  varint(value.size());
  bytes_.append(value);
  return *this;
}

Writer& Writer::number(std::uint32_t field, std::uint64_t value) {
  varint(field << 3 | kVarint);
  varint(value);
  return *this;
}

Writer& Writer::map(std::uint32_t field, const std::map<std::string, std::string>& values) {
  for (const auto& [key, value] : values) {
    message(field, Writer().text(1, key).text(2, value));
  }
  return *this;
}

Result<Message> Message::parse(std::string_view bytes) {
  Message message;
  while (!bytes.empty()) {
    std::uint64_t tag = 0;
    if (!take_varint(bytes, tag)) {
      return fail(ErrorCode::internal, "protobuf: cut off in a tag");
    }
    Field field;
    field.id = static_cast<std::uint32_t>(tag >> 3);
    std::uint64_t size = 0;
    std::string_view skipped;
    bool good = false;
    switch (tag & 7) {
      case kVarint:
        good = take_varint(bytes, field.number);
        break;
      case kLength:
        good = take_varint(bytes, size) && take(bytes, size, field.text);
        break;
      case kFixed64:
        good = take(bytes, 8, skipped);
        break;
      case kFixed32:
        good = take(bytes, 4, skipped);
        break;
      default:
        break;
    }
    if (!good) {
      return fail(ErrorCode::internal,
                  "protobuf: cut off or unknown field " + std::to_string(field.id));
    }
    message.fields_.push_back(field);
  }
  return message;
}

std::string_view Message::text(std::uint32_t field) const {
  std::string_view out;
  for (const auto& one : fields_) {
    if (one.id == field) {
      out = one.text;
    }
  }
  return out;
}

std::uint64_t Message::number(std::uint32_t field) const {
  std::uint64_t out = 0;
  for (const auto& one : fields_) {
    if (one.id == field) {
      out = one.number;
    }
  }
  return out;
}

bool Message::has(std::uint32_t field) const {
  for (const auto& one : fields_) {
    if (one.id == field) {
      return true;
    }
  }
  return false;
}

std::vector<std::string_view> Message::all(std::uint32_t field) const {
  std::vector<std::string_view> out;
  for (const auto& one : fields_) {
    if (one.id == field) {
      out.push_back(one.text);
    }
  }
  return out;
}

Message Message::message(std::uint32_t field) const {
  auto nested = parse(text(field));
  return nested ? *nested : Message();
}

std::map<std::string, std::string> Message::map(std::uint32_t field) const {
  std::map<std::string, std::string> out;
  for (const auto entry : all(field)) {
    if (const auto pair = parse(entry)) {
      out[std::string(pair->text(1))] = pair->text(2);
    }
  }
  return out;
}

}  // namespace harness::standin::proto
