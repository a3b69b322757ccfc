#include "harness/base/time.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

TEST(Duration, reads_each_unit) {
  EXPECT_EQ(parse_duration("250ms")->count(), 250'000);
  EXPECT_EQ(parse_duration("15s")->count(), 15'000'000);
  EXPECT_EQ(parse_duration("2m")->count(), 120'000'000);
  EXPECT_EQ(parse_duration("8h")->count(), 28'800'000'000);
  EXPECT_EQ(parse_duration("7us")->count(), 7);
  EXPECT_EQ(parse_duration("0s")->count(), 0);
}

TEST(Duration, refuses_what_is_not_one) {
  for (const char* text :
       {"", "15", "s", "-3s", "1.5s", "3 s", "3sec", "99999999999999999h", "+3s"}) {
    const auto result = parse_duration(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code(), ErrorCode::invalid_input);
    EXPECT_NE(result.error().message().find("such as 250ms"), std::string::npos);
  }
}

TEST(Duration, writes_the_shortest_form_that_reads_back) {
  for (const char* text : {"0s", "1us", "1500ms", "90s", "2m", "1h"}) {
    EXPECT_EQ(format_duration(*parse_duration(text)), text);
  }
}

TEST(WallTime, goes_there_and_back) {
  const std::int64_t stamp = 1'747'386'459'123'456;
  EXPECT_EQ(format_wall(stamp), "2025-05-16T09:07:39.123456Z");
  EXPECT_EQ(*parse_wall("2025-05-16T09:07:39.123456Z"), stamp);
  EXPECT_EQ(*parse_wall("2025-05-16T09:07:39Z"), 1'747'386'459'000'000);
  EXPECT_EQ(*parse_wall(format_wall(-1)), -1);
}

TEST(WallTime, refuses_other_zones_and_noise) {
  EXPECT_FALSE(parse_wall("2025-05-16T09:07:39+02:00"));
  EXPECT_FALSE(parse_wall("yesterday"));
}

TEST(Deadline, is_never_negative_and_never_later_than_its_parent) {
  const Deadline past = Deadline::after(std::chrono::seconds(-5));
  EXPECT_TRUE(past.passed());
  EXPECT_EQ(past.left().count(), 0);
  EXPECT_TRUE(past.at_most(std::chrono::hours(1)).passed());
  const Deadline far = Deadline::after(std::chrono::hours(1));
  EXPECT_LE(far.at_most(std::chrono::seconds(1)).left(), std::chrono::milliseconds(1000));
}

}  // namespace
}  // namespace harness
