// Numbers and encodings of SFTP version 3. Internal to harness/ssh.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace harness::ssh::sftp_wire {

constexpr std::uint8_t kInit = 1;
constexpr std::uint8_t kVersion = 2;
constexpr std::uint8_t kOpen = 3;
constexpr std::uint8_t kClose = 4;
constexpr std::uint8_t kRead = 5;
constexpr std::uint8_t kWrite = 6;
constexpr std::uint8_t kRemove = 13;
constexpr std::uint8_t kRealpath = 16;
constexpr std::uint8_t kRename = 18;
constexpr std::uint8_t kStatus = 101;
constexpr std::uint8_t kHandle = 102;
constexpr std::uint8_t kData = 103;
constexpr std::uint8_t kName = 104;
constexpr std::uint8_t kExtended = 200;
constexpr std::uint8_t kExtendedReply = 201;

constexpr std::uint32_t kOpenRead = 0x01;
constexpr std::uint32_t kOpenWrite = 0x02;
constexpr std::uint32_t kOpenCreate = 0x08;
constexpr std::uint32_t kOpenNew = 0x20;

constexpr std::uint32_t kOk = 0;
constexpr std::uint32_t kEof = 1;
constexpr std::uint32_t kNoSuchFile = 2;
constexpr std::uint32_t kPermissionDenied = 3;
constexpr std::uint32_t kFailure = 4;

constexpr std::uint32_t kHasPermissions = 0x04;

inline void put(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift);
  }
}

inline void put64(std::string& out, std::uint64_t value) {
  put(out, static_cast<std::uint32_t>(value >> 32));
  put(out, static_cast<std::uint32_t>(value));
}

inline void put(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

// Reads what a reply carries; anything malformed reads as zero or empty and sets bad.
class Reading {
 public:
  explicit Reading(std::string_view bytes) : rest_(bytes) {}

  std::uint32_t number() {
    std::uint32_t value = 0;
    if (rest_.size() < 4) {
      bad = true;
      return 0;
    }
    for (int i = 0; i < 4; ++i) {
      value = value << 8 | static_cast<unsigned char>(rest_[static_cast<std::size_t>(i)]);
    }
    rest_.remove_prefix(4);
    return value;
  }

  std::uint64_t number64() {
    const std::uint64_t high = number();
    return high << 32 | number();
  }

  std::string_view text() {
    const std::size_t size = number();
    if (size > rest_.size()) {
      bad = true;
      return {};
    }
    const std::string_view value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }

  bool done() const { return rest_.empty() || bad; }

  bool bad = false;

 private:
  std::string_view rest_;
};

}  // namespace harness::ssh::sftp_wire
