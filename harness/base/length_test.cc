#include "harness/base/length.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

TEST(Length, is_written_as_people_read_it) {
  for (const auto& [us, text] : {std::pair(20'003'412, "20.0 s"),
                                 {1'000'000, "1.0 s"},
                                 {999'600, "1.0 s"},
                                 {999'400, "999 ms"},
                                 {47'312, "47 ms"},
                                 {9'960, "10 ms"},
                                 {3'250, "3.2 ms"},
                                 {412, "0.4 ms"},
                                 {0, "0 ms"},
                                 {-20'000, "-20 ms"},
                                 {-3'000'000, "-3.0 s"}}) {
    EXPECT_EQ(format_length(Microseconds(us)), text) << us;
  }
}

}  // namespace
}  // namespace harness
