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

  std::uint64_t inode() const { return inode_; }

  std::int64_t head_realtime_us() const;
  std::int64_t tail_realtime_us() const;

  // Moves to the first entry at or after this wall time; INT64_MAX: behind the last one.
  Status seek(std::int64_t wall_us);
  // The next entry; none when there is none yet. An error when the file contradicts itself.
  Result<std::optional<JournalEntry>> next();
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
  Result<std::int64_t> entry_time(std::uint64_t offset) const;

  std::string path_;
  int fd_ = -1;
  std::uint64_t inode_ = 0;
  bool compact_ = false;
  std::uint64_t header_size_ = 0;
  std::uint64_t array_ = 0;     // entry array that holds the next entry; 0: none read yet
  std::uint64_t capacity_ = 0;  // of that array
  std::uint64_t index_ = 0;     // of the next entry in it
};

}  // namespace harness::guard
