// What the two halves of redact() share: kinds of characters, and a text being copied without its
// secrets.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace harness::redaction {

inline constexpr std::string_view kHidden = "[redacted]";
inline constexpr std::string_view kSpace = " \t";
inline constexpr std::string_view kAfterWord = " \t\r\n\"'\\,;|<>()[]{}";

inline bool digit(char c) {
  return c >= '0' && c <= '9';
}

inline bool capital(char c) {
  return c >= 'A' && c <= 'Z';
}

inline bool small(char c) {
  return c >= 'a' && c <= 'z';
}

inline bool of_name(char c) {
  return small(c) || capital(c) || digit(c) || c == '-' || c == '_' || c == '.';
}

inline bool of_base64(char c) {
  return small(c) || capital(c) || digit(c) || c == '+' || c == '/' || c == '=';
}

inline std::size_t past(std::string_view text, std::size_t at, std::string_view skipped) {
  return std::min(text.find_first_not_of(skipped, at), text.size());
}

inline std::size_t until(std::string_view text, std::size_t at, std::string_view ends) {
  return std::min(text.find_first_of(ends, at), text.size());
}

// Takes a text from left to right: what is kept is copied, what is secret is said to be.
class Redaction {
 public:
  explicit Redaction(std::string_view text) : text_(text) {}

  void hide(std::size_t from, std::size_t to, std::string_view instead = kHidden) {
    out_.append(text_.substr(done_, from - done_)).append(instead);
    done_ = to;
  }

  std::string finish() {
    out_.append(text_.substr(done_));
    return std::move(out_);
  }

 private:
  std::string_view text_;
  std::string out_;
  std::size_t done_ = 0;
};

// Key blocks, lines of a key's body, join tokens, passwords in URLs, PEM in base64, JSON web
// tokens: what is secret whatever it is called.
std::string hide_by_shape(std::string_view text);

}  // namespace harness::redaction
