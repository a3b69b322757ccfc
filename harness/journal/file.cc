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

// A data object is stored once and shared by all entries that hold it. What is not wanted is kept
// as an empty text.
class Objects {
 public:
  explicit Objects(guard::JournalFile& file) : file_(file) {}

  const std::string& at(std::uint64_t offset) {
    if (const auto known = known_.find(offset); known != known_.end()) {
      return known->second;
    }
    if (known_.size() > kCacheLimit) {
      known_.clear();
    }
    std::string text = file_.payload(offset, kShortField).value_or("");
    const std::string_view name = std::string_view(text).substr(0, text.find('='));
    const bool wanted = std::ranges::find(kFields, name) != kFields.end();
    if (name == "MESSAGE") {
      text = "MESSAGE=";
    }
    return known_.emplace(offset, wanted ? std::move(text) : std::string()).first->second;
  }

 private:
  guard::JournalFile& file_;
  std::unordered_map<std::uint64_t, std::string> known_;
};

}  // namespace

Status read_file(const std::string& path, ReadReport& report, const Take& take) {
  TRY_ASSIGN(guard::JournalFile file, guard::JournalFile::open(path), "open");
  TRY(file.seek(0), "begin");
  Objects objects(file);
  Fields fields;
  while (true) {
    auto next = file.next();
    if (!next) {
      ++report.unreadable;
      return {};
    }
    if (!next->has_value()) {
      return {};
    }
    const guard::JournalEntry& raw = **next;
    std::string boot_id = raw.boot_id;
    std::erase(boot_id, '-');
    fields.set_times(raw.realtime_us, raw.monotonic_us, std::move(boot_id));
    std::uint64_t message = 0;
    for (const std::uint64_t offset : raw.items) {
      const std::string& text = objects.at(offset);
      const std::size_t equals = text.find('=');
      if (text == "MESSAGE=") {
        message = offset;
      } else if (equals != std::string::npos) {
        fields.set(std::string_view(text).substr(0, equals),
                   std::string_view(text).substr(equals + 1));
      }
    }
    auto entry = fields.take();
    if (!entry) {
      continue;
    }
    if (message != 0) {
      if (auto text = file.payload(message, kLongestMessage)) {
        entry->message = text->substr(std::min<std::size_t>(text->size(), 8));
      } else {
        entry->without_text = true;
        ++report.unreadable;
      }
    }
    hand_over(*entry, report, take);
  }
}

}  // namespace harness::journal
