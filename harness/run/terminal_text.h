// Text from nodes made fit for a terminal: nothing in it moves the cursor, colours or hides, and it
// is as wide as the terminal shows it, not as it has bytes.
#pragma once

#include <string>
#include <string_view>

namespace harness::run {

// Without escape sequences and control characters (newlines stay, tabs become blanks); what is no
// UTF-8 becomes U+FFFD.
std::string printable(std::string_view text);
// The columns that printable text takes: none for a combining mark, two for a wide character.
int columns_of(std::string_view text);
// The longest beginning of printable text that fits into so many columns, with "…" where something
// was cut off.
std::string fit(std::string_view text, int columns);

}  // namespace harness::run
