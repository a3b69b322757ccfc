#include "harness/exec/command.h"

#include <algorithm>

#include "harness/base/redact.h"

namespace harness::exec {
namespace {

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_./:=@%+,").find(c) != std::string_view::npos;
}

std::string shown(const std::string& word) {
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) {
    return word;
  }
  std::string text = "'";
  for (const char c : word) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (control) {
      constexpr std::string_view hex = "0123456789abcdef";
      text += "\\x";
      text += hex[static_cast<unsigned char>(c) >> 4];
      text += hex[static_cast<unsigned char>(c) & 15];
    } else if (c == '\'') {
      text += "\\'";
    } else {
      text += c;
    }
  }
  return text + "'";
}

}  // namespace

std::string describe(const Command& command) {
  std::string text;
  for (const std::string& word : command.argv) {
    text += (text.empty() ? "" : " ") + shown(word);
  }
  return redact(text);
}

}  // namespace harness::exec
