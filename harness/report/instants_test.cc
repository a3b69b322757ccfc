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
          .before = ms<0, .after = ms> 1000,
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

// They were drawn as survived.
TEST(Instants, tell_a_hit_that_could_not_be_judged_from_one_that_was_survived) {
  const auto maps = instant_maps({at(0), at(500, check::Verdict::unproven), at(1000)}, 10);
  const std::string text = to_text(maps);
  EXPECT_THAT(text, HasSubstr(".|o....?...o|.  1.0 s long, largest gap 1.0 s\n"));
  EXPECT_THAT(text,
              HasSubstr("    500 ms to 600 ms     0 hit(s), 0 not survived, 0 miss(es), 1 hit(s) "
                        "without enough facts, longest recovery 2.5 s\n"));
  EXPECT_THAT(kMapLegend, HasSubstr("`?` hit without enough facts"));
  const Json part = to_json(maps)[0]["inside"][5];
  EXPECT_EQ(part["hits"], 0);
  EXPECT_EQ(part["unproven"], 1);
  EXPECT_THAT(to_text(instant_maps({at(500, check::Verdict::unproven), at(500)}, 10)),
              HasSubstr(".|.....o....|."))
      << "a judged hit in the same part says more";
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
  late.after = false;
  const auto longer = instant_maps({at(0), at(10), late}, 10);
  EXPECT_EQ(longer[0].inside[9].hits, 1);
  EXPECT_EQ(longer[0].after.hits, 0);
}

// The learned length may be longer than this window was.
TEST(Instants, put_what_was_aimed_after_the_window_behind_it_however_long_that_was) {
  Instant after = at(1058, check::Verdict::fail);
  after.learned_us = 1'170'000;
  Instant inside = at(0);
  inside.learned_us = 1'170'000;
  const auto maps = instant_maps({inside, after}, 10);
  EXPECT_EQ(maps[0].after.fails, 1);
  EXPECT_EQ(maps[0].largest_gap_us, 1'170'000) << "nothing but the opening was hit";
  Instant lost = miss(1058);
  lost.planned_us.reset();
  EXPECT_EQ(instant_maps({lost}, 10)[0].after.misses, 1) << "a window that nobody saw close";
}

TEST(Instants, know_where_a_trial_was_aimed) {
  check::CaseVerdict one;
  one.trials = {{.verdict = check::Verdict::pass, .window = "w", .aim = "-200ms"},
                {.verdict = check::Verdict::pass, .window = "w", .aim = "closed+58ms"},
                {.verdict = check::Verdict::pass, .window = "w", .aim = "+0s"}};
  const auto instants = instants_of({one});
  ASSERT_EQ(instants.size(), 3U);
  EXPECT_TRUE(instants[0].before && !instants[0].after);
  EXPECT_TRUE(instants[1].after && !instants[1].before);
  EXPECT_FALSE(instants[2].before || instants[2].after);
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
}

// A trial in another node's window says nothing of the target's own.
TEST(Instants, keep_the_windows_of_two_nodes_apart) {
  Instant elsewhere = at(100);
  elsewhere.seen_on = "cp-2";
  const auto maps = instant_maps({at(0), elsewhere});
  ASSERT_EQ(maps.size(), 2U);
  EXPECT_THAT(to_text(maps), HasSubstr("in hooks on cp-1"));
  EXPECT_THAT(to_text(maps), HasSubstr("in hooks of cp-2 on cp-1"));
  EXPECT_EQ(to_json(maps)[1]["while"], "cp-2");
  check::CaseVerdict one;
  one.trials = {{.verdict = check::Verdict::pass, .window = "w", .seen_on = "cp-2"}};
  EXPECT_EQ(instants_of({one}).at(0).seen_on, "cp-2");
}

TEST(Instants, count_what_was_aimed_at_each_part) {
  const std::string text =
      to_text(instant_maps({at(-20), at(500), at(550, check::Verdict::fail), miss(260)}, 10));
  EXPECT_THAT(text,
              HasSubstr("    before               1 hit(s), 0 not survived, 0 miss(es), longest "
                        "recovery 2.5 s\n"));
  EXPECT_THAT(text, HasSubstr("    200 ms to 300 ms     0 hit(s), 0 not survived, 1 miss(es)\n"));
  EXPECT_THAT(text, HasSubstr("    500 ms to 600 ms     2 hit(s), 1 not survived, 0 miss(es), lo"));
  EXPECT_THAT(text, testing::Not(HasSubstr("after  "))) << "nothing was aimed there";
}

TEST(Instants, are_none_where_a_node_cannot_do_the_fault) {
  check::CaseVerdict one;
  one.trials = {{.verdict = check::Verdict::skip, .window = "w"},
                {.verdict = check::Verdict::error, .window = "w"}};
  EXPECT_TRUE(instants_of({one}).empty());
}

TEST(Instants, stand_a_window_without_any_length) {
  Instant blind = miss(5);
  blind.length_us = 0;
  EXPECT_EQ(instant_maps({blind}).size(), 1U);
  EXPECT_TRUE(instant_maps({}).empty());
}

}  // namespace
}  // namespace harness::report
