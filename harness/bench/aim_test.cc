#include "harness/bench/aim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::bench {
namespace {

using testing::HasSubstr;

Trial whole() {
  return {
      .written_us = 1000, .marker_us = 1100, .seen_us = 1500, .action_us = 2000, .effect_us = 2100};
}

TEST(Measured, takes_each_span_from_the_stamps_at_its_ends) {
  Measured measured;
  measured.add(whole());
  EXPECT_EQ(measured.written_to_action.percentile(50), 1000);
  EXPECT_EQ(measured.marker_to_action.percentile(50), 900);
  EXPECT_EQ(measured.action_to_effect.percentile(50), 100);
  EXPECT_EQ(measured.marker_to_effect.percentile(50), 1000);
  EXPECT_EQ(measured.marker_to_seen.percentile(50), 400);
  EXPECT_EQ(measured.seen_to_action.percentile(50), 500);
}

TEST(Measured, counts_a_planned_offset_from_the_marker_and_among_no_others) {
  Measured measured;
  Trial late = whole();
  late.offset_us = 850;
  measured.add(late);
  EXPECT_EQ(measured.planned_to_action.percentile(50), 50);
  EXPECT_EQ(measured.planned_to_effect.percentile(50), 150);
  EXPECT_EQ(measured.marker_to_action.size(), 0U);
  EXPECT_EQ(measured.written_to_action.size(), 0U);
  Trial early = whole();
  early.offset_us = 950;
  measured.add(early);
  EXPECT_EQ(measured.planned_to_action.percentile(0), -50) << "too early is seen, too";
  EXPECT_EQ(measured.planned_to_effect.size(), 2U);
}

TEST(Measured, counts_a_lost_trial_and_takes_no_time_from_it) {
  Measured measured;
  Trial lost = whole();
  lost.lost = "the victim outlived 3 s";
  measured.add(lost);
  EXPECT_EQ(measured.lost, 1);
  EXPECT_EQ(measured.last_loss, "the victim outlived 3 s");
  EXPECT_EQ(measured.marker_to_action.size(), 0U);
}

TEST(Measured, loses_a_trial_whose_stamps_do_not_follow_one_another) {
  for (const auto member : {&Trial::action_us, &Trial::effect_us, &Trial::marker_us}) {
    Measured measured;
    Trial trial = whole();
    trial.*member = 0;
    measured.add(trial);
    EXPECT_EQ(measured.lost, 1);
    EXPECT_EQ(measured.action_to_effect.size(), 0U);
    EXPECT_THAT(measured.last_loss, HasSubstr("do not follow one another"));
  }
}

TEST(Measured, holds_lost_trials_against_the_hits) {
  Measured measured;
  measured.add(whole());
  Trial late = whole();
  late.effect_us = late.marker_us + kShortWindowUs + 1;
  measured.add(late);
  measured.add({.lost = "why"});
  measured.add({.lost = "why"});
  EXPECT_DOUBLE_EQ(measured.short_window_percent(), 25);
  EXPECT_DOUBLE_EQ(Measured().short_window_percent(), 0);
}

}  // namespace
}  // namespace harness::bench
