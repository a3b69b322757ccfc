// The journal of one unit, live: follows the system journal through rotation, vacuuming and its
// move from /run to /var, and yields the facts `journal` of the unit's own lines and of systemd's
// about it, each once. Others' lines never come out, whatever they say; that journald suppressed
// some of the unit's is told as a problem.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/guard/journal_directory.h"
#include "harness/guard/journal_file.h"

namespace harness::guard {

// The line of a fact whose message could not be read; a problem says why.
inline constexpr std::string_view kUnreadableField = "[unreadable field]";

// Where a reader stands, in terms that no clock can change: {"boot_id", "seqnum_id", "seqnum",
// "mono_us"}, all of one entry; seqnum 0: none was seen yet in this boot.
struct JournalPosition {
  std::string boot_id;
  std::string seqnum_id;
  std::uint64_t seqnum = 0;
  std::int64_t monotonic_us = 0;
  std::vector<std::uint64_t> hashes;  // of the entries seen at exactly monotonic_us
};

// None when the object has no boot id.
std::optional<JournalPosition> position_from_json(const Json& json);

class JournalReader {
 public:
  struct Options {
    std::string unit;
    // Where journal files are; see live_journal. Empty: the machine's own.
    std::vector<std::string> directories;
    std::size_t line_limit = 4000;
    // The boot that runs now; empty: the machine's own.
    std::string boot_id;
    // In calls of poll(): how long an entry of the live file may take to become whole, and how
    // often a new live file is looked for.
    int patience = 500;
    int look_for_rotation_every = 32;
  };

  explicit JournalReader(Options options);

  // From now on (INT64_MAX), or from this wall time on, archived files included. With `after`: all
  // that was written after it, whatever the clock of a new boot says; the wall time then counts
  // only where the two cannot be compared.
  Status start(std::int64_t since_wall_us, std::optional<JournalPosition> after = {});
  // Hands over what is new; costs one read of at most eight bytes when nothing is. Faults of a
  // file, and entries that were gone before they were read, are told as facts of type
  // "journal-problem" {line} and do not end the reading.
  void poll(const std::function<void(Json)>& take);

 private:
  using Take = std::function<void(Json)>;

  enum class Growth { live, ended };
  void drain(JournalFile& file, Growth growth, const Take& take);
  bool is_new(const JournalFile& file, const JournalEntry& entry) const;
  void remember(const JournalFile& file, const JournalEntry& entry);
  void tell_gap(const JournalFile& file, const JournalEntry& entry, const Take& take);
  bool interesting(JournalFile& file, const JournalEntry& entry, Json& fact, const Take& take);
  void tell_suppressed(JournalFile& file, std::uint64_t message, const Take& take);
  Result<std::string> field(JournalFile& file, std::uint64_t offset);
  void follow_rotation(const Take& take);
  void read_between(const Take& take);
  void problem(const std::string& text, const Take& take);

  Options options_;
  std::vector<JournalFile> backlog_;
  std::optional<JournalFile> live_;
  std::int64_t since_ = INT64_MAX;
  std::optional<JournalPosition> last_;
  // The next entry is the first of another file: it must follow the last one without a hole.
  bool joins_ = false;
  int stuck_ = 0;
  // Decoded short fields by offset: a unit's name and invocation are stored once per file.
  std::unordered_map<std::uint64_t, Result<std::string>> cache_;
  int polls_ = 0;
  std::set<std::string> problems_;
};

}  // namespace harness::guard
