// `-o json` and `-o export`: https://systemd.io/JOURNAL_EXPORT_FORMATS.

#include <cstring>

#include "harness/base/json.h"
#include "harness/journal/forms.h"

namespace harness::journal {
namespace {

constexpr std::uint64_t kLongestField = 64U << 20U;

// A field that is not UTF-8 comes as an array of bytes; a field that occurs twice as an array of
// values, of which the first is taken.
std::string value_of(const Json& value) {
  if (value.is_string()) {
    return value.get<std::string>();
  }
  if (value.is_array() && !value.empty() && value.front().is_number_unsigned()) {
    std::string bytes;
    for (const Json& byte : value) {
      bytes += byte.is_number_unsigned() ? static_cast<char>(byte.get<unsigned>()) : '?';
    }
    return bytes;
  }
  return value.is_array() && !value.empty() ? value_of(value.front()) : std::string();
}

// Most lines of a whole machine's journal are of no interest; parsing them would be the cost.
bool may_concern(std::string_view line) {
  return line.find("rke2-") != std::string_view::npos;
}

void end(Fields& fields, ReadReport& report, const Take& take) {
  if (const auto entry = fields.take()) {
    hand_over(*entry, report, take);
  }
}

// After the name of a field whose value has line ends: eight bytes of size, the value, a line end.
bool read_binary(std::istream& in, std::string& value) {
  std::uint64_t size = 0;
  in.read(reinterpret_cast<char*>(&size), sizeof size);
  if (!in || size > kLongestField) {
    return false;
  }
  value.resize(size);
  in.read(value.data(), static_cast<std::streamsize>(size));
  return in && in.get() == '\n';
}

}  // namespace

Status read_json(std::istream& in, ReadReport& report, const Take& take) {
  std::string line;
  Fields fields;
  while (std::getline(in, line)) {
    if (line.empty() || !may_concern(line)) {
      continue;
    }
    const Json object = Json::parse(line, nullptr, false);
    if (!object.is_object()) {
      ++report.unreadable;
      continue;
    }
    for (const auto& [name, value] : object.items()) {
      if (name == "MESSAGE" && value.is_null()) {
        fields.set_without_text();
      } else {
        fields.set(name, value_of(value));
      }
    }
    end(fields, report, take);
  }
  return {};
}

Status read_export(std::istream& in, ReadReport& report, const Take& take) {
  Fields fields;
  std::string line;
  std::string value;
  while (std::getline(in, line)) {
    if (line.empty()) {
      end(fields, report, take);
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) {
      fields.set(std::string_view(line).substr(0, equals),
                 std::string_view(line).substr(equals + 1));
    } else if (read_binary(in, value)) {
      fields.set(line, value);
    } else {
      if (line == "MESSAGE") {
        fields.set_without_text();
      }
      ++report.unreadable;
      in.clear();
    }
  }
  end(fields, report, take);
  return {};
}

}  // namespace harness::journal
