#include "harness/drift/text.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace harness::drift {
namespace {

constexpr std::string_view kHidden = "[node]";

std::string small(std::string_view text) {
  std::string out(text);
  std::ranges::transform(
      out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool of_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '#' || c == '_';
}

// Where the name stands alone at or after `from`.
std::size_t find_word(std::string_view text, std::string_view name, std::size_t from) {
  for (std::size_t at = text.find(name, from); at != std::string_view::npos;
       at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !of_word(text[at - 1])) && (end == text.size() || !of_word(text[end]))) {
      return at;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::string cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) {
    return std::string(text);
  }
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) {
    --limit;
  }
  return std::string(text.substr(0, limit)) + " [cut]";
}

std::string without_digits(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit || out.empty() || out.back() != '#') {
      out += digit ? '#' : c;
    }
  }
  return out;
}

void Names::add(std::string_view name) {
  if (name.size() < 2 || name == "localhost") {
    return;
  }
  const std::string one = small(name);
  names_.insert(one);
  names_.insert(without_digits(one));
  const std::size_t dot = one.find('.');
  const bool address = one.find_first_not_of("0123456789.:abcdef") == std::string::npos;
  if (dot != std::string::npos && !address) {
    add(std::string_view(one).substr(0, dot));
  }
}

void Names::learn(std::string_view message) {
  constexpr std::array<std::string_view, 3> kBefore = {
      "--hostname-override=", "successfully on node: ", "already set on node: "};
  for (const std::string_view before : kBefore) {
    if (const std::size_t at = message.find(before); at != std::string_view::npos) {
      const std::string_view rest = message.substr(at + before.size());
      add(rest.substr(0, rest.find(' ')));
    }
  }
}

std::string Names::hide(std::string_view text) const {
  std::string out(text);
  // The longest first: a name may be the front of another. Backwards they come in that order.
  for (auto name = names_.rbegin(); name != names_.rend(); ++name) {
    std::string low = small(out);
    for (std::size_t at = find_word(low, *name, 0); at != std::string::npos;
         at = find_word(low, *name, at + kHidden.size())) {
      out.replace(at, name->size(), kHidden);
      low.replace(at, name->size(), kHidden);
    }
  }
  return out;
}

}  // namespace harness::drift
