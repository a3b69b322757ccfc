// Texts of a journal as a user may send them to us. For this folder alone.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace harness::drift {

// At most `limit` bytes, never inside a character of UTF-8; " [cut]" tells that there was more.
std::string cut(std::string_view text, std::size_t limit);
// Each run of digits as one `#`: texts that differ in numbers, ids or addresses alone are one.
std::string without_digits(std::string_view text);

// Names of hosts and nodes, which no text of a survey may tell.
class Names {
 public:
  // With a domain: the name alone as well. Names of one letter tell nothing and are passed over.
  void add(std::string_view name);
  // Those that RKE2 itself says of its node.
  void learn(std::string_view message);
  // Each whole name, in capital or small letters, also as without_digits has it, as [node].
  std::string hide(std::string_view text) const;

 private:
  std::set<std::string> names_;  // in small letters
};

}  // namespace harness::drift
