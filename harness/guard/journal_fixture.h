// Journal files made in tests, byte by byte as journald lays them out. For tests only.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
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
    for (int i = 0; i < 16; ++i) {
      bytes_[at + 40 + static_cast<std::uint64_t>(i)] = static_cast<char>(i + 1);
    }
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
  }

  std::string& bytes() { return bytes_; }

  std::uint64_t array() const { return array_; }

  void write(const std::string& path) const {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
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

  std::uint64_t add_data(const Field& field) {
    const std::uint64_t start = compact_ ? 72 : 64;
    const char flags = field.compression == Compression::zstd  ? 4
                       : field.compression == Compression::lz4 ? 2
                       : field.compression == Compression::xz  ? 1
                                                               : 0;
    const std::uint64_t at = add_object(1, flags, start + field.text.size());
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
  std::uint64_t seqnum_ = 0;
  std::uint64_t array_ = 0;
  std::uint64_t used_ = 0;
  std::uint64_t head_ = 0;
};

}  // namespace harness::guard
