#include "harness/base/names.h"

#include <algorithm>

namespace harness {

bool is_cluster_name(std::string_view text) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !text.empty() && text.size() <= 64 && text.front() != '-' && text.front() != '.' &&
         text.find_first_not_of(kLetters) == std::string_view::npos;
}

bool is_plain_path(std::string_view text) {
  return text.starts_with('/') && text.size() <= 1024 && !has_control_character(text) &&
         text.find("/../") == std::string_view::npos && !text.ends_with("/..") &&
         text.find("/./") == std::string_view::npos && !text.ends_with("/.") &&
         text.find("//") == std::string_view::npos;
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace harness
