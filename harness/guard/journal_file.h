// One journald file, read by our own code: a static program cannot take libsystemd along, and its
// change notices come up to 250 ms late.
//
// Reads with pread, never through a mapping, so that a file that shrinks or ends in the middle of
// an entry costs an error and not a crash. Knows regular and compact files, keyed hashes, and
// payloads compressed with zstd or LZ4; a payload in XZ is reported as such. Unknown incompatible
// flags are refused: reading on would be a guess. Source: systemd's journal file format,
// https://systemd.io/JOURNAL_FILE_FORMAT.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace harness::guard {

struct JournalEntry {
  std::uint64_t seqnum = 0;
  std::int64_t realtime_us = 0;
  std::int64_t monotonic_us = 0;
  std::string boot_id;               // dashed
  std::vector<std::uint64_t> items;  // offsets of its data objects
  std::uint64_t hash = 0;            // of its fields, the same in every file that has a copy of it
};

class JournalFile {
 public:
  static Result<JournalFile> open(const std::string& path);
  ~JournalFile();
  JournalFile(JournalFile&& other) noexcept;
  JournalFile& operator=(JournalFile&& other) noexcept;
  JournalFile(const JournalFile&) = delete;
  JournalFile& operator=(const JournalFile&) = delete;

  const std::string& path() const { return path_; }

  // True when this very file is at `path` now.
  bool is_at(const std::string& path) const;

  // Sequence numbers count the entries of all files that share this id, and only those.
  const std::string& seqnum_id() const { return seqnum_id_; }

  // Of the file's header, as it is now; 0 and empty when it cannot be read.
  std::uint64_t entry_count() const;
  std::uint64_t head_seqnum() const;
  std::uint64_t tail_seqnum() const;
  std::int64_t head_realtime_us() const;
  std::int64_t tail_realtime_us() const;
  std::int64_t tail_monotonic_us() const;
  std::string tail_boot_id() const;

  // Moves to the first entry at or after this wall time; INT64_MAX: behind the last one.
  Status seek(std::int64_t wall_us);
  // Moves to the first entry of which `stays` holds, which must hold of all that follow it. Gives
  // the entry before that one, if there is one.
  Result<std::optional<JournalEntry>> seek_first(
      const std::function<bool(const JournalEntry&)>& stays);
  // The next entry; none when there is none yet. An error when the file contradicts itself, or when
  // the entry is not whole yet: the next call tries it again.
  Result<std::optional<JournalEntry>> next();
  // Gives up the entry that next() cannot read; false when it is not an entry that is at fault.
  bool skip();
  // "FIELD=value" of a data object, at most `limit` bytes of it decoded.
  Result<std::string> payload(std::uint64_t offset, std::size_t limit);

 private:
  JournalFile() = default;

  struct Object {
    std::uint8_t type = 0;
    std::uint8_t flags = 0;
    std::uint64_t size = 0;
  };

  Status read_at(std::uint64_t offset, void* into, std::size_t size) const;
  Result<std::uint64_t> word_at(std::uint64_t offset) const;
  Result<Object> object_at(std::uint64_t offset, std::uint8_t type) const;
  Result<JournalEntry> entry_at(std::uint64_t offset) const;
  Result<std::uint64_t> item_at(std::uint64_t array, std::uint64_t index) const;
  std::string id_at(std::uint64_t offset) const;

  std::string path_;
  int fd_ = -1;
  std::uint64_t inode_ = 0;
  std::uint64_t device_ = 0;
  std::string seqnum_id_;
  bool compact_ = false;
  std::uint64_t header_size_ = 0;
  std::uint64_t array_ = 0;     // entry array that holds the next entry; 0: none read yet
  std::uint64_t capacity_ = 0;  // of that array
  std::uint64_t index_ = 0;     // of the next entry in it
};

}  // namespace harness::guard
