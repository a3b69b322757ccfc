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

// A line that nobody can read may have been RKE2's as well.
bool is_cut(std::string_view line) {
  return !line.starts_with('{') || !line.ends_with('}');
}

class ExportReader {
 public:
  ExportReader(ReadReport& report, const Take& take, const Lost& lost)
      : report_(report), take_(take), lost_(lost) {}

  void line(std::istream& in, const std::string& line);
  // Each record ends with an empty line, the last one too.
  void end(bool torn);

 private:
  ReadReport& report_;
  const Take& take_;
  const Lost& lost_;
  Fields fields_;
  std::string value_;
  std::uint64_t place_ = 1;
  bool begun_ = false;
  bool cursor_ = false;
  bool time_ = false;
  bool torn_ = false;
};

void ExportReader::end(bool torn) {
  if (!begun_) {
    return;
  }
  auto entry = fields_.take();
  if (torn || torn_ || !time_) {
    lose(place_, report_, lost_);
  } else if (entry) {
    hand_over(*entry, report_, take_);
  }
  ++place_;
  begun_ = cursor_ = time_ = torn_ = false;
}

void ExportReader::line(std::istream& in, const std::string& line) {
  if (line.empty()) {
    end(false);
    return;
  }
  const bool cursor = line.starts_with("__CURSOR=");
  const bool time = line.starts_with("__REALTIME_TIMESTAMP=");
  if ((cursor && cursor_) || (time && time_)) {
    end(true);  // the next record begins, and the end of this one is not here
  }
  begun_ = true;
  cursor_ = cursor_ || cursor;
  time_ = time_ || time;
  const std::size_t equals = line.find('=');
  if (equals != std::string::npos) {
    fields_.set(std::string_view(line).substr(0, equals),
                std::string_view(line).substr(equals + 1));
  } else if (read_binary(in, value_)) {
    fields_.set(line, value_);
  } else {
    torn_ = true;
    in.clear();
  }
}

}  // namespace

Status read_json(std::istream& in, ReadReport& report, const Take& take, const Lost& lost) {
  std::string line;
  Fields fields;
  for (std::uint64_t place = 1; std::getline(in, line); ++place) {
    if (line.ends_with('\r')) {
      line.pop_back();
    }
    if (line.empty() || (!is_cut(line) && !may_concern(line))) {
      continue;
    }
    const Json object = is_cut(line) ? Json() : Json::parse(line, nullptr, false);
    if (!object.is_object()) {
      lose(place, report, lost);
      continue;
    }
    for (const auto& [name, value] : object.items()) {
      if (name == "MESSAGE" && value.is_null()) {
        fields.set_without_text();
      } else {
        fields.set(name, value_of(value));
      }
    }
    if (const auto entry = fields.take()) {
      hand_over(*entry, report, take);
    }
  }
  return {};
}

Status read_export(std::istream& in, ReadReport& report, const Take& take, const Lost& lost) {
  ExportReader reader(report, take, lost);
  std::string line;
  while (std::getline(in, line)) {
    reader.line(in, line);
  }
  reader.end(true);
  return {};
}

}  // namespace harness::journal
