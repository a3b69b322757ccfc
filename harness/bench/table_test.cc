#include "harness/bench/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::bench {
namespace {

using testing::HasSubstr;

const Setup kSetup{.node = "cp-1", .kernel = "6.1", .trials = 2, .seed = 7};

std::array<Measured, 3> one_miss() {
  std::array<Measured, 3> measured;
  measured[0].marker_to_action.add(1500);
  measured[0].action_to_effect.add(90);
  measured[0].misses = 1;
  measured[0].last_miss = "the victim outlived the limit";
  return measured;
}

TEST(Table, shows_misses_and_why) {
  EXPECT_THAT(table(kSetup, one_miss(), {}),
              HasSubstr("misses 1 of 2, the last: the victim outlived the limit\n"));
}

TEST(Table, meets_no_target_of_time_without_a_trial_that_fired) {
  const std::string text = table(kSetup, {}, {});
  EXPECT_THAT(text, HasSubstr("p50 <= 2 ms NOT met, p99 <= 10 ms NOT met"));
}

TEST(Table, holds_watch_and_trigger_together_against_the_armed_target) {
  const GuardUsage usage{
      .rest = {.core = 0.9}, .watch_armed = {.core = 2.1}, .trigger_armed = {.core = 2.1}};
  const std::string text = table(kSetup, one_miss(), usage);
  EXPECT_THAT(text, HasSubstr("watch at rest <= 1 % met"));
  EXPECT_THAT(text, HasSubstr("together <= 4 % NOT met"));
}

TEST(Report, has_each_way_with_its_misses_and_distributions) {
  const Json json = report(kSetup, one_miss(), {});
  EXPECT_EQ(json["guard"]["misses"], 1);
  EXPECT_EQ(json["guard"]["marker_to_action_us"]["p99"], 1500);
  EXPECT_EQ(json["journalctl"]["action_to_effect_us"], (Json{{"n", 0}}));
  EXPECT_EQ(json["ssh"]["marker_to_action_us"]["n"], 0);
}

}  // namespace
}  // namespace harness::bench
