// Journal files made in tests, byte by byte as journald lays them out. For tests only.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace harness::guard {

class JournalFixture {
 public:
  enum class Layout { regular, compact };
  enum class Compression { none, zstd, lz4, xz };

  explicit JournalFixture(Layout layout, std::uint64_t array_capacity = 4)
      : compact_(layout == Layout::compact), capacity_(array_capacity), bytes_(264, '\0') {
    std::memcpy(bytes_.data(), "LPKSHHRH", 8);
    put32(12, compact_ ? 16 | 4 | 8 : 4 | 8);
    put64(88, 264);
    put64(176, new_array());
  }

  // The row of sequence numbers that the file belongs to, and the number of its next entry.
  JournalFixture& row(char id, std::uint64_t next) {
    bytes_.replace(72, 16, 16, id);
    seqnum_ = next - 1;
    return *this;
  }

  // The boot of the entries from now on; without it, kBoot.
  JournalFixture& boot(char id) {
    boot_.assign(16, id);
    return *this;
  }

  struct Field {
    std::string text;  // "NAME=value", or what is stored when compressed
    Compression compression = Compression::none;
  };

  void add(std::int64_t realtime_us, std::int64_t monotonic_us, const std::vector<Field>& fields) {
    std::vector<std::uint64_t> items;
    for (const Field& field : fields) {
      items.push_back(add_data(field));
    }
    const std::uint64_t width = compact_ ? 4 : 16;
    const std::uint64_t at = add_object(3, 0, 64 + items.size() * width);
    put64(at + 16, ++seqnum_);
    put64(at + 24, static_cast<std::uint64_t>(realtime_us));
    put64(at + 32, static_cast<std::uint64_t>(monotonic_us));
    bytes_.replace(at + 40, 16, boot_);
    std::string texts;
    for (const Field& field : fields) {
      texts += field.text;
    }
    put64(at + 56, std::hash<std::string>()(texts));
    last_entry_ = at;
    for (std::size_t i = 0; i < items.size(); ++i) {
      compact_ ? put32(at + 64 + i * width, static_cast<std::uint32_t>(items[i]))
               : put64(at + 64 + i * width, items[i]);
    }
    if (used_ == capacity_) {
      const std::uint64_t before = array_;
      const std::uint64_t next = new_array();
      put64(before + 16, next);
    }
    const std::uint64_t slot = array_ + 24 + used_++ * (compact_ ? 4 : 8);
    compact_ ? put32(slot, static_cast<std::uint32_t>(at)) : put64(slot, at);
    put64(184, head_ == 0 ? static_cast<std::uint64_t>(realtime_us) : head_);
    head_ = head_ == 0 ? static_cast<std::uint64_t>(realtime_us) : head_;
    put64(192, static_cast<std::uint64_t>(realtime_us));
    bytes_.replace(56, 16, boot_);
    put64(160, seqnum_);
    first_seqnum_ = first_seqnum_ == 0 ? seqnum_ : first_seqnum_;
    put64(168, first_seqnum_);
    put64(200, static_cast<std::uint64_t>(monotonic_us));
  }

  static constexpr const char* kBoot = "01020304-0506-0708-090a-0b0c0d0e0f10";

  // Where the last entry begins in bytes().
  std::uint64_t last_entry() const { return last_entry_; }

  std::string& bytes() { return bytes_; }

  std::uint64_t array() const { return array_; }

  void write(const std::string& path) const {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  }

  // As journald does: the same file with more in it.
  void grow(const std::string& path) const {
    std::fstream out(path, std::ios::in | std::ios::out | std::ios::binary);
    out.write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  }

  void put64(std::uint64_t at, std::uint64_t value) { std::memcpy(bytes_.data() + at, &value, 8); }

  void put32(std::uint64_t at, std::uint32_t value) { std::memcpy(bytes_.data() + at, &value, 4); }

 private:
  std::uint64_t add_object(char type, char flags, std::uint64_t size) {
    const std::uint64_t at = (bytes_.size() + 7) / 8 * 8;
    bytes_.resize(at + size, '\0');
    bytes_[at] = type;
    bytes_[at + 1] = flags;
    put64(at + 8, size);
    return at;
  }

  static char flag_of(Compression compression) {
    switch (compression) {
      case Compression::xz:
        return 1;
      case Compression::lz4:
        return 2;
      case Compression::zstd:
        return 4;
      case Compression::none:
        break;
    }
    return 0;
  }

  std::uint64_t add_data(const Field& field) {
    const std::uint64_t start = compact_ ? 72 : 64;
    const std::uint64_t at = add_object(1, flag_of(field.compression), start + field.text.size());
    std::memcpy(bytes_.data() + at + start, field.text.data(), field.text.size());
    return at;
  }

  std::uint64_t new_array() {
    array_ = add_object(6, 0, 24 + capacity_ * (compact_ ? 4 : 8));
    used_ = 0;
    return array_;
  }

  const bool compact_;
  const std::uint64_t capacity_;
  std::string bytes_;
  std::string boot_ = "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20";
  std::uint64_t seqnum_ = 0;
  std::uint64_t first_seqnum_ = 0;
  std::uint64_t last_entry_ = 0;
  std::uint64_t array_ = 0;
  std::uint64_t used_ = 0;
  std::uint64_t head_ = 0;
};

// The fields of a line as RKE2 writes it.
inline std::vector<JournalFixture::Field> line(const std::string& message,
                                               const std::string& unit = "rke2-server.service") {
  return {{"_SYSTEMD_UNIT=" + unit},
          {"_PID=42"},
          {"SYSLOG_IDENTIFIER=rke2"},
          {"_SYSTEMD_INVOCATION_ID=aa"},
          {"MESSAGE=" + message}};
}

}  // namespace harness::guard
