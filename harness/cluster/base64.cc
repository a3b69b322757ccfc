#include "harness/cluster/base64.h"

#include <array>
#include <cstdint>

namespace harness::cluster {
namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int, 256> values() {
  std::array<int, 256> all{};
  all.fill(-1);
  for (std::size_t i = 0; i < kLetters.size(); ++i) {
    all[static_cast<unsigned char>(kLetters[i])] = static_cast<int>(i);
  }
  return all;
}

constexpr std::array<int, 256> kValues = values();

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      word = word << 8U | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() ? kLetters[word >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return text;
}

Result<std::string> from_base64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  while (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  std::uint32_t word = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) {
      return fail(ErrorCode::remote_failed, "a field that must be base64 is not");
    }
    word = word << 6U | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(word >> bits & 255U);
    }
  }
  return bytes;
}

}  // namespace harness::cluster
