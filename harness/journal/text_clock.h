// The times of journalctl's text forms. For the text reader alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace harness::journal {

// The whole text as a number that is not negative; -1 for anything else.
std::int64_t plain_number(std::string_view text);

// Lengths need no year, and a month in another language is as good as one in English.
class TextClock {
 public:
  // Microseconds of what stands before the host; 0 when it is no time.
  std::int64_t read(std::string_view text);

 private:
  std::int64_t month_of(std::string_view word);

  std::vector<std::string> months_;  // in order of appearance; enough for lengths
};

}  // namespace harness::journal
