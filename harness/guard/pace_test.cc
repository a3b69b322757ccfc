#include "harness/guard/pace.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/guard/round.h"
#include "harness/guard/system.h"

namespace harness::guard {
namespace {

TEST(Pace, is_seldom_at_rest_and_often_for_a_while_after_news) {
  Pace pace({.busy_us = 10, .rest_us = 50, .calm_us = 200});
  EXPECT_EQ(pace.next(1000), 1050) << "nothing has happened yet";
  pace.news(1000);
  EXPECT_EQ(pace.next(1000), 1010);
  EXPECT_EQ(pace.next(1199), 1209);
  EXPECT_EQ(pace.next(1200), 1250);
  pace.news(1300);
  EXPECT_EQ(pace.next(1499), 1509);
}

TEST(Round, tells_a_line_before_the_rename_that_it_preceded) {
  Round round;
  round.add({{"type", "manifest"}, {"mono_us", 30}});
  round.add({{"type", "journal"}, {"line", "before"}, {"mono_us", 10}});
  round.add({{"type", "journal"}, {"line", "with it"}, {"mono_us", 30}});
  round.add({{"type", "journal"}, {"line", "after"}, {"mono_us", 31}});
  std::vector<std::string> told;
  const auto take = [&](const Json& fact) { told.push_back(json_string(fact, "line")); };
  round.tell(take);
  EXPECT_EQ(told, (std::vector<std::string>{"before", "", "with it", "after"}));
  round.tell(take);
  EXPECT_EQ(told.size(), 4U) << "each once";
}

TEST(Pace, is_cut_short_by_a_descriptor_and_by_nothing_else) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(pipe(ends), 0);
  std::vector<pollfd> watched = {{ends[0], POLLIN, 0}};
  EXPECT_FALSE(ready_before(watched, 0)) << "an instant that is over is not waited for";
  const std::int64_t soon = now().mono_us + 2000;
  EXPECT_FALSE(ready_before(watched, soon));
  EXPECT_GE(now().mono_us, soon);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  EXPECT_TRUE(ready_before(watched, now().mono_us + 60'000'000));
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace harness::guard
