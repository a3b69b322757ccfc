#include "harness/guard/journal_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/guard/decompress.h"

namespace harness::guard {
namespace {

constexpr std::uint32_t kXz = 1;
constexpr std::uint32_t kLz4 = 2;
constexpr std::uint32_t kKeyedHash = 4;
constexpr std::uint32_t kZstd = 8;
constexpr std::uint32_t kCompact = 16;
constexpr std::uint32_t kKnownFlags = kXz | kLz4 | kKeyedHash | kZstd | kCompact;

constexpr std::uint8_t kData = 1;
constexpr std::uint8_t kEntry = 3;
constexpr std::uint8_t kEntryArray = 6;

constexpr std::uint64_t kTailBootField = 56;
constexpr std::uint64_t kSeqnumIdField = 72;
constexpr std::uint64_t kEntryCountField = 152;
constexpr std::uint64_t kTailSeqnumField = 160;
constexpr std::uint64_t kHeadSeqnumField = 168;
constexpr std::uint64_t kEntryArrayOffsetField = 176;
constexpr std::uint64_t kHeadRealtimeField = 184;
constexpr std::uint64_t kTailRealtimeField = 192;
constexpr std::uint64_t kTailMonotonicField = 200;
constexpr std::uint64_t kMostItems = 4096;
constexpr std::uint64_t kLargestObject = 512ULL << 20U;

std::string dashed(const unsigned char* id) {
  std::string out;
  for (int i = 0; i < 16; ++i) {
    out += fmt::format("{:02x}", id[i]);
    if (i == 3 || i == 5 || i == 7 || i == 9) {
      out += '-';
    }
  }
  return out;
}

template <typename T>
T little(const unsigned char* at) {
  T value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

Result<JournalFile> JournalFile::open(const std::string& path) {
  JournalFile file;
  file.path_ = path;
  file.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);

  struct stat info {};

  if (file.fd_ < 0 || fstat(file.fd_, &info) != 0) {
    return fail(ErrorCode::remote_failed,
                fmt::format("open journal {}: {}", path, std::strerror(errno)));
  }
  file.inode_ = info.st_ino;
  file.device_ = info.st_dev;
  unsigned char header[208];
  TRY(file.read_at(0, header, sizeof header), "journal header");
  if (std::memcmp(header, "LPKSHHRH", 8) != 0) {
    return fail(ErrorCode::remote_failed, fmt::format("{} is not a journal file", path));
  }
  const auto flags = little<std::uint32_t>(header + 12);
  if ((flags & ~kKnownFlags) != 0) {
    return fail(ErrorCode::not_supported,
                fmt::format("{} has incompatible flags {:#x} that this guard does not know",
                            path,
                            flags & ~kKnownFlags));
  }
  file.compact_ = (flags & kCompact) != 0;
  file.seqnum_id_ = dashed(header + kSeqnumIdField);
  file.header_size_ = little<std::uint64_t>(header + 88);
  if (file.header_size_ < sizeof header || file.header_size_ > 4096) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} has a header of {} bytes", path, file.header_size_));
  }
  return file;
}

JournalFile::~JournalFile() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

JournalFile::JournalFile(JournalFile&& other) noexcept {
  *this = std::move(other);
}

JournalFile& JournalFile::operator=(JournalFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(inode_, other.inode_);
  std::swap(device_, other.device_);
  std::swap(seqnum_id_, other.seqnum_id_);
  std::swap(compact_, other.compact_);
  std::swap(header_size_, other.header_size_);
  std::swap(array_, other.array_);
  std::swap(capacity_, other.capacity_);
  std::swap(index_, other.index_);
  return *this;
}

Status JournalFile::read_at(std::uint64_t offset, void* into, std::size_t size) const {
  auto* to = static_cast<unsigned char*>(into);
  while (size > 0) {
    const ssize_t got = pread(fd_, to, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return fail(ErrorCode::remote_failed,
                  fmt::format("{} ends before byte {}", path_, offset + size));
    }
    to += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
  return {};
}

Result<std::uint64_t> JournalFile::word_at(std::uint64_t offset) const {
  unsigned char bytes[8];
  TRY(read_at(offset, bytes, sizeof bytes), "journal");
  return little<std::uint64_t>(bytes);
}

std::string JournalFile::id_at(std::uint64_t offset) const {
  unsigned char bytes[16];
  return read_at(offset, bytes, sizeof bytes) ? dashed(bytes) : std::string();
}

std::string JournalFile::tail_boot_id() const {
  return id_at(kTailBootField);
}

std::uint64_t JournalFile::entry_count() const {
  return word_at(kEntryCountField).value_or(0);
}

std::uint64_t JournalFile::head_seqnum() const {
  return word_at(kHeadSeqnumField).value_or(0);
}

std::uint64_t JournalFile::tail_seqnum() const {
  return word_at(kTailSeqnumField).value_or(0);
}

std::int64_t JournalFile::tail_monotonic_us() const {
  return static_cast<std::int64_t>(word_at(kTailMonotonicField).value_or(0));
}

std::int64_t JournalFile::head_realtime_us() const {
  return static_cast<std::int64_t>(word_at(kHeadRealtimeField).value_or(0));
}

std::int64_t JournalFile::tail_realtime_us() const {
  return static_cast<std::int64_t>(word_at(kTailRealtimeField).value_or(0));
}

Result<JournalFile::Object> JournalFile::object_at(std::uint64_t offset, std::uint8_t type) const {
  if (offset < header_size_ || offset % 8 != 0 || offset > (1ULL << 48U)) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} points to byte {}, where no object can be", path_, offset));
  }
  unsigned char bytes[16];
  TRY(read_at(offset, bytes, sizeof bytes), "journal object");
  const Object object{bytes[0], bytes[1], little<std::uint64_t>(bytes + 8)};
  if (object.type != type || object.size < 24 || object.size > kLargestObject) {
    return fail(
        ErrorCode::remote_failed,
        fmt::format("{} has an object of type {} and {} bytes at {}, where type {} was expected",
                    path_,
                    object.type,
                    object.size,
                    offset,
                    type));
  }
  return object;
}

Result<std::uint64_t> JournalFile::item_at(std::uint64_t array, std::uint64_t index) const {
  unsigned char bytes[8] = {};
  TRY(read_at(array + 24 + index * (compact_ ? 4 : 8), bytes, compact_ ? 4 : 8),
      "journal entry array");
  return compact_ ? little<std::uint32_t>(bytes) : little<std::uint64_t>(bytes);
}

Status JournalFile::seek(std::int64_t wall_us) {
  TRY(seek_first([&](const JournalEntry& entry) {
        return wall_us != INT64_MAX && entry.realtime_us >= wall_us;
      }),
      "journal");
  return {};
}

Result<std::optional<JournalEntry>> JournalFile::seek_first(
    const std::function<bool(const JournalEntry&)>& stays) {
  TRY_ASSIGN(std::uint64_t array, word_at(kEntryArrayOffsetField), "seek");
  array_ = 0;
  capacity_ = 0;
  index_ = 0;
  std::uint64_t before = 0;
  while (array != 0) {
    TRY_ASSIGN(const Object object, object_at(array, kEntryArray), "seek");
    TRY_ASSIGN(const std::uint64_t following, word_at(array + 16), "seek");
    const std::uint64_t capacity = (object.size - 24) / (compact_ ? 4 : 8);
    // Entries are in order: find the first one that is absent or late enough.
    std::uint64_t low = 0;
    std::uint64_t high = capacity;
    while (low < high) {
      const std::uint64_t middle = low + (high - low) / 2;
      TRY_ASSIGN(const std::uint64_t item, item_at(array, middle), "seek");
      bool found = item == 0;
      if (!found) {
        TRY_ASSIGN(const JournalEntry entry, entry_at(item), "seek");
        found = stays(entry);
      }
      (found ? high : low) = found ? middle : middle + 1;
    }
    array_ = array;
    capacity_ = capacity;
    index_ = low;
    if (low > 0) {
      TRY_ASSIGN(before, item_at(array, low - 1), "seek");
    }
    if (low < capacity || following <= array) {
      break;
    }
    array = following;
  }
  if (before == 0) {
    return std::nullopt;
  }
  TRY_ASSIGN(JournalEntry entry, entry_at(before), "seek");
  return entry;
}

bool JournalFile::skip() {
  // An array may say that it goes on behind the end of the file, for as long as it likes.
  if (array_ == 0 || index_ >= capacity_ || !item_at(array_, index_)) {
    return false;
  }
  ++index_;
  return true;
}

bool JournalFile::is_at(const std::string& path) const {
  struct stat info {};

  return stat(path.c_str(), &info) == 0 && info.st_ino == inode_ && info.st_dev == device_;
}

Result<std::optional<JournalEntry>> JournalFile::next() {
  if (array_ == 0 || index_ >= capacity_) {
    TRY_ASSIGN(const std::uint64_t following,
               word_at(array_ == 0 ? kEntryArrayOffsetField : array_ + 16),
               "journal");
    if (following == 0) {
      return std::nullopt;
    }
    if (following <= array_) {
      return fail(ErrorCode::remote_failed, fmt::format("{} has entry arrays in a circle", path_));
    }
    TRY_ASSIGN(const Object object, object_at(following, kEntryArray), "journal");
    array_ = following;
    capacity_ = (object.size - 24) / (compact_ ? 4 : 8);
    index_ = 0;
  }
  TRY_ASSIGN(const std::uint64_t item, item_at(array_, index_), "journal");
  if (item == 0) {
    return std::nullopt;
  }
  TRY_ASSIGN(JournalEntry entry, entry_at(item), "journal");
  ++index_;
  return entry;
}

Result<JournalEntry> JournalFile::entry_at(std::uint64_t offset) const {
  TRY_ASSIGN(const Object object, object_at(offset, kEntry), "entry");
  const std::uint64_t width = compact_ ? 4 : 16;
  const std::uint64_t count = object.size < 64 ? 0 : (object.size - 64) / width;
  if (count > kMostItems) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} has an entry of {} fields at {}", path_, count, offset));
  }
  std::vector<unsigned char> bytes(64 + count * width);
  TRY(read_at(offset, bytes.data(), bytes.size()), "entry");
  JournalEntry entry{
      .seqnum = little<std::uint64_t>(bytes.data() + 16),
      .realtime_us = static_cast<std::int64_t>(little<std::uint64_t>(bytes.data() + 24)),
      .monotonic_us = static_cast<std::int64_t>(little<std::uint64_t>(bytes.data() + 32)),
      .boot_id = dashed(bytes.data() + 40),
      .items = {},
      .hash = little<std::uint64_t>(bytes.data() + 56)};
  if (entry.seqnum == 0) {
    return fail(ErrorCode::remote_failed, fmt::format("{} has half an entry at {}", path_, offset));
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const unsigned char* at = bytes.data() + 64 + i * width;
    entry.items.push_back(compact_ ? little<std::uint32_t>(at) : little<std::uint64_t>(at));
  }
  return entry;
}

Result<std::string> JournalFile::payload(std::uint64_t offset, std::size_t limit) {
  TRY_ASSIGN(const Object object, object_at(offset, kData), "field");
  const std::uint64_t start = compact_ ? 72 : 64;
  if (object.size < start) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} has a field of {} bytes at {}", path_, object.size, offset));
  }
  const std::uint64_t size = object.size - start;
  std::string stored(object.flags == 0 ? std::min<std::uint64_t>(size, limit) : size, '\0');
  TRY(read_at(offset + start, stored.data(), stored.size()), "field");
  switch (object.flags & 7U) {
    case 0:
      return stored;
    case 1:
      return fail(ErrorCode::not_supported,
                  fmt::format("{} has a field compressed with XZ", path_));
    case 2:
      return decompress_lz4(stored, limit);
    case 4:
      return decompress_zstd(stored, limit);
    default:
      return fail(ErrorCode::remote_failed,
                  fmt::format("{} has a field with compression flags {}", path_, object.flags));
  }
}

}  // namespace harness::guard
