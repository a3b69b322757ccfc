#include "harness/report/instants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::report {
namespace {

using testing::HasSubstr;

Instant at(std::int64_t ms, check::Verdict verdict = check::Verdict::pass) {
  return {.hop = "a to b",
          .fault = "kill-pod pod=etcd",
          .window = "hooks",
          .target = "cp-1",
          .planned_us = ms * 1000,
          .landed_us = ms * 1000,
          .length_us = 1'000'000,
          .hit = true,
          .verdict = verdict,
          .recovery_s = 2.5};
}

Instant miss(std::int64_t ms) {
  Instant out = at(ms);
  out.hit = false;
  out.landed_us.reset();
  return out;
}

TEST(Instants, show_lengths_of_any_size) {
  const auto maps = instant_maps({at(950), at(-3000, check::Verdict::fail)}, 10);
  EXPECT_THAT(to_text(maps), HasSubstr("not survived at -3.0 s"));
}

TEST(Instants, put_each_trial_where_it_landed) {
  const auto maps = instant_maps(
      {at(0), at(950), at(500, check::Verdict::fail), at(-20), at(1010), miss(260)}, 10);
  ASSERT_EQ(maps.size(), 1U);
  EXPECT_THAT(to_text(maps),
              HasSubstr("o|o.-..X...o|o  1.0 s long, largest gap 500 ms; not survived at 500 ms"));
  EXPECT_EQ(maps[0].inside[5].fails, 1);
  EXPECT_DOUBLE_EQ(maps[0].inside[0].longest_recovery_s, 2.5);
  EXPECT_EQ(to_json(maps)[0]["inside"][2]["misses"], 1);
}

// A kill that ends the invocation leaves no length; such a hit used to stand behind the window.
TEST(Instants, put_a_hit_inside_a_window_that_the_fault_cut_short) {
  Instant cut = at(40);
  cut.planned_us = 0;
  cut.length_us = 0;
  const auto alone = instant_maps({cut}, 10);
  EXPECT_EQ(alone[0].inside[0].hits, 1);
  EXPECT_EQ(alone[0].after.hits, 0);
  EXPECT_THAT(to_text(alone), HasSubstr(".|o.........|.  its length was not seen"));
  Instant late = at(1300);
  late.length_us = 1'500'000;
  const auto longer = instant_maps({at(0), at(10), late}, 10);
  EXPECT_EQ(longer[0].inside[9].hits, 1);
  EXPECT_EQ(longer[0].after.hits, 0);
}

// kube-apiserver killed in the hooks holds them up for twenty seconds; the map showed these.
TEST(Instants, are_placed_in_the_window_as_it_lasts_without_a_fault) {
  std::vector<Instant> trials = {at(0), at(500), at(1000)};
  for (Instant& one : trials) {
    one.length_us = 20'000'000;
    one.learned_us = 1'000'000;
  }
  EXPECT_THAT(to_text(instant_maps(trials, 10)),
              HasSubstr(".|o....o...o|.  1.0 s long, largest gap 500 ms"));
}

TEST(Instants, never_mix_stretched_trials_with_natural_ones) {
  Instant stretched = at(100);
  stretched.stretched = true;
  const auto maps = instant_maps({at(0), stretched});
  ASSERT_EQ(maps.size(), 2U);
  EXPECT_NE(maps[0].stretched, maps[1].stretched);
  ASSERT_EQ(coverage({stretched}).size(), 0U);
}

TEST(Coverage, says_what_was_never_hit_and_what_never_tried) {
  Instant other = miss(0);
  other.window = "sync";
  Instant third = at(0);
  third.target = "cp-2";
  const auto rows = coverage({at(0, check::Verdict::fail), at(10), other, third});
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].hits, 2);
  EXPECT_EQ(rows[0].fails, 1);
  const std::string text = to_text(rows);
  EXPECT_THAT(text, HasSubstr("never hit in 1 trial(s)"));
  EXPECT_THAT(text, HasSubstr("never tried"));
}

TEST(Instants, stand_a_window_without_any_length) {
  Instant blind = miss(5);
  blind.length_us = 0;
  EXPECT_EQ(instant_maps({blind}).size(), 1U);
  EXPECT_TRUE(instant_maps({}).empty());
}

}  // namespace
}  // namespace harness::report
