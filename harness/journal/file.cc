// A journal file, through the guard's own reader of the format.

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_map>

#include "harness/guard/journal_file.h"
#include "harness/journal/forms.h"

namespace harness::journal {
namespace {

constexpr std::array<std::string_view, 8> kFields = {"_SYSTEMD_UNIT",
                                                     "UNIT",
                                                     "_PID",
                                                     "_HOSTNAME",
                                                     "SYSLOG_IDENTIFIER",
                                                     "_SYSTEMD_INVOCATION_ID",
                                                     "INVOCATION_ID",
                                                     "MESSAGE"};
constexpr std::size_t kShortField = 256;
constexpr std::size_t kLongestMessage = 1U << 20U;
constexpr std::size_t kCacheLimit = 200'000;

// What is not wanted is kept as an empty text.
struct Object {
  std::string text;
  bool unknown = false;  // nobody can say what it is
  bool damaged = false;  // else in a compression that is not read here
};

Object unknown(const Error& error) {
  return {.text = {}, .unknown = true, .damaged = error.code() != ErrorCode::not_supported};
}

// A data object is stored once and shared by all entries that hold it.
class Objects {
 public:
  explicit Objects(guard::JournalFile& file) : file_(file) {}

  const Object& at(std::uint64_t offset) {
    if (const auto known = known_.find(offset); known != known_.end()) {
      return known->second;
    }
    if (known_.size() > kCacheLimit) {
      known_.clear();
    }
    auto text = file_.payload(offset, kShortField);
    if (!text) {
      return known_.emplace(offset, unknown(text.error())).first->second;
    }
    const std::string_view name = std::string_view(*text).substr(0, text->find('='));
    const bool wanted = std::ranges::find(kFields, name) != kFields.end();
    if (name == "MESSAGE") {
      *text = "MESSAGE=";
    }
    return known_.emplace(offset, Object{.text = wanted ? *std::move(text) : ""}).first->second;
  }

 private:
  guard::JournalFile& file_;
  std::unordered_map<std::uint64_t, Object> known_;
};

class FileReader {
 public:
  FileReader(guard::JournalFile& file, ReadReport& report, const Take& take, const Lost& lost)
      : file_(file), objects_(file), report_(report), take_(take), lost_(lost) {}

  void entry(const guard::JournalEntry& raw, std::uint64_t place);

 private:
  guard::JournalFile& file_;
  Objects objects_;
  ReadReport& report_;
  const Take& take_;
  const Lost& lost_;
};

void FileReader::entry(const guard::JournalEntry& raw, std::uint64_t place) {
  Fields fields;
  std::string boot_id = raw.boot_id;
  std::erase(boot_id, '-');
  fields.set_times(raw.realtime_us, raw.monotonic_us, std::move(boot_id));
  std::uint64_t message = 0;
  bool unknown = false;
  bool damaged = false;
  for (const std::uint64_t offset : raw.items) {
    const Object& object = objects_.at(offset);
    unknown = unknown || object.unknown;
    damaged = damaged || object.damaged;
    const std::size_t equals = object.text.find('=');
    if (object.text == "MESSAGE=") {
      message = offset;
    } else if (equals != std::string::npos) {
      fields.set(std::string_view(object.text).substr(0, equals),
                 std::string_view(object.text).substr(equals + 1));
    }
  }
  auto entry = fields.take();
  if (entry && message != 0) {
    if (auto text = file_.payload(message, kLongestMessage)) {
      entry->message = text->substr(std::min<std::size_t>(text->size(), 8));
    } else {
      entry->without_text = true;
      damaged = damaged || text.error().code() != ErrorCode::not_supported;
    }
  } else if (entry) {
    entry->without_text = unknown;
  }
  if (damaged) {
    lose(place, report_, lost_);
  }
  if (entry) {
    hand_over(*entry, report_, take_);
  }
}

// A beginning that cannot be read is the file's fault; one that another systemd wrote is nobody's.
Result<guard::JournalFile> opened(const std::string& path) {
  auto file = guard::JournalFile::open(path);
  if (file) {
    return file;
  }
  const bool foreign = file.error().code() == ErrorCode::not_supported;
  return fail(foreign ? ErrorCode::not_supported : ErrorCode::invalid_input,
              file.error().message() +
                  (foreign ? "; give what `journalctl --file` prints of it with `-o export`"
                           : "; copy it anew and whole, or give what `journalctl -o export` prints "
                             "on its node"));
}

}  // namespace

Status read_file(const std::string& path, ReadReport& report, const Take& take, const Lost& lost) {
  TRY_ASSIGN(guard::JournalFile file, opened(path), "");
  // A page of an entry array that was never written looks like the end of the journal; the header
  // knows better.
  const std::uint64_t counted = file.entry_count();
  FileReader reader(file, report, take, lost);
  for (std::uint64_t place = 1;; ++place) {
    const auto next = file.next();
    if (next && next->has_value()) {
      reader.entry(**next, place);
      continue;
    }
    if (next && place > counted) {
      return {};
    }
    lose(place, report, lost);
    if (!file.skip()) {
      report.cut = true;
      return {};
    }
  }
}

}  // namespace harness::journal
