#include "harness/run/terminal_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace harness::run {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = true;
};

Character first_of(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    return {lead, 1, true};
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) {
    return {0xFFFD, 1, false};
  }
  char32_t code = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) {
      return {0xFFFD, 1, false};
    }
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kShortest = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kShortest[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
    return {0xFFFD, 1, false};
  }
  return {code, length, true};
}

using Range = std::pair<char32_t, char32_t>;

template <std::size_t N>
bool within(const std::array<Range, N>& ranges, char32_t code) {
  return std::ranges::any_of(
      ranges, [code](const Range& range) { return code >= range.first && code <= range.second; });
}

// Direction marks and joiners are not shown either, and could reorder a line.
constexpr std::array<Range, 9> kNoWidth = {{{0x300, 0x36F},
                                            {0x1AB0, 0x1AFF},
                                            {0x1DC0, 0x1DFF},
                                            {0x200B, 0x200F},
                                            {0x202A, 0x202E},
                                            {0x2060, 0x206F},
                                            {0x20D0, 0x20FF},
                                            {0xFE00, 0xFE0F},
                                            {0xFEFF, 0xFEFF}}};
constexpr std::array<Range, 9> kWide = {{{0x1100, 0x115F},
                                         {0x2E80, 0xA4CF},
                                         {0xAC00, 0xD7A3},
                                         {0xF900, 0xFAFF},
                                         {0xFE30, 0xFE6F},
                                         {0xFF00, 0xFF60},
                                         {0xFFE0, 0xFFE6},
                                         {0x1F300, 0x1FAFF},
                                         {0x20000, 0x3FFFD}}};

int width_of(char32_t code) {
  return within(kNoWidth, code) ? 0 : within(kWide, code) ? 2 : 1;
}

bool moves_text(char32_t code) {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

// The length of the escape sequence at the beginning: CSI, a string (OSC, DCS...), or two bytes.
std::size_t escape_length(std::string_view text) {
  if (text.size() < 2) {
    return text.size();
  }
  if (text[1] == '[') {
    const std::size_t end = text.find_first_not_of("0123456789:;<=>? !\"#$%&'()*+,-./", 2);
    return end == std::string_view::npos ? text.size() : end + 1;
  }
  if (std::string_view("]PX^_").find(text[1]) != std::string_view::npos) {
    const std::size_t end = text.find_first_of("\a\033\n", 2);
    if (end == std::string_view::npos || text[end] == '\n') {
      return end == std::string_view::npos ? text.size() : end;
    }
    return text[end] == '\033' ? std::min(end + 2, text.size()) : end + 1;
  }
  return 2;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text[0] == '\033') {
      text.remove_prefix(escape_length(text));
      continue;
    }
    const Character one = first_of(text);
    const bool control = one.code < 0x20 || (one.code >= 0x7F && one.code < 0xA0);
    if (one.code == '\n') {
      out += '\n';
    } else if (one.code == '\t') {
      out += ' ';
    } else if (!one.valid) {
      out += kReplacement;
    } else if (!control && !moves_text(one.code)) {
      out += text.substr(0, one.bytes);
    }
    text.remove_prefix(one.bytes);
  }
  return out;
}

int columns_of(std::string_view text) {
  int out = 0;
  while (!text.empty()) {
    const Character one = first_of(text);
    out += width_of(one.code);
    text.remove_prefix(one.bytes);
  }
  return out;
}

std::string fit(std::string_view text, int columns) {
  if (columns_of(text) <= columns) {
    return std::string(text);
  }
  std::string out;
  int used = 1;  // the ellipsis
  while (!text.empty()) {
    const Character one = first_of(text);
    used += width_of(one.code);
    if (used > columns) {
      break;
    }
    out += text.substr(0, one.bytes);
    text.remove_prefix(one.bytes);
  }
  return columns > 0 ? out + std::string(kEllipsis) : "";
}

}  // namespace harness::run
