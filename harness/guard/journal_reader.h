// The journal of one unit, live: follows the system journal through rotation and vacuuming, and
// yields the facts `journal` of the unit's own lines and of systemd's about it. Others' lines never
// come out, whatever they say.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/guard/journal_file.h"

namespace harness::guard {

class JournalReader {
 public:
  struct Options {
    std::string unit;
    // Where journal files are; the first that has a system.journal is taken. Empty: the machine's
    // own.
    std::vector<std::string> directories;
    std::size_t line_limit = 4000;
  };

  explicit JournalReader(Options options);

  // From now on (INT64_MAX), or from this wall time on, archived files included.
  Status start(std::int64_t since_wall_us);
  // Hands over what is new; costs one read of eight bytes when nothing is. Faults of a file are
  // told as facts of type "journal-problem" and do not end the reading.
  void poll(const std::function<void(Json)>& take);

 private:
  std::string live_path() const;
  void drain(JournalFile& file, const std::function<void(Json)>& take);
  bool interesting(JournalFile& file, const JournalEntry& entry, Json& fact);
  const std::string& field(JournalFile& file, std::uint64_t offset);
  void follow_rotation(const std::function<void(Json)>& take);
  void problem(const std::string& text, const std::function<void(Json)>& take);

  Options options_;
  std::vector<JournalFile> backlog_;
  std::optional<JournalFile> live_;
  // Decoded short fields by offset: a unit's name and invocation are stored once per file.
  std::unordered_map<std::uint64_t, std::string> cache_;
  std::uint64_t polls_ = 0;
  std::string last_problem_;
};

// /var/log/journal/<machine id> and /run/log/journal/<machine id>.
std::vector<std::string> journal_directories();

}  // namespace harness::guard
