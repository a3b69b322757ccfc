#include "harness/bench/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::bench {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

const Setup kSetup{.node = "cp-1",
                   .kernel = "6.1",
                   .cpus = 2,
                   .load_before = 0.25,
                   .load_after = 1.5,
                   .trials = 2,
                   .seed = 7};

MeasuredWays one_lost() {
  MeasuredWays measured;
  measured[0].add({.written_us = 900, .marker_us = 1000, .action_us = 2500, .effect_us = 2590});
  measured[0].add({.lost = "the victim outlived 3 s"});
  return measured;
}

TEST(Table, begins_with_the_machine_and_its_load) {
  EXPECT_THAT(table(kSetup, one_lost(), {}),
              HasSubstr("cp-1 (Linux 6.1, 2 CPUs, load 0.25 before and 1.50 after)"));
}

TEST(Table, shows_lost_trials_and_why) {
  const std::string text = table(kSetup, one_lost(), {});
  EXPECT_THAT(text, HasSubstr("lost 1 of 2, the last: the victim outlived 3 s\n"));
  EXPECT_THAT(text, HasSubstr("lost 0 of 2\n"));
}

TEST(Table, says_of_each_target_whether_it_is_met) {
  const std::string text = table(kSetup, one_lost(), {});
  EXPECT_THAT(text, ContainsRegex("marker to action, p50 +1\\.500 ms +<= 2 ms +met"));
  EXPECT_THAT(text,
              ContainsRegex("hits in a window of 50 ms +50\\.00 % +>= 99 % of trials +missed"));
}

TEST(Table, holds_the_planned_offset_against_its_target_and_tells_what_the_default_costs) {
  MeasuredWays measured = one_lost();
  const Trial at = {.written_us = 900,
                    .marker_us = 1000,
                    .action_us = 3100,
                    .effect_us = 6900,
                    .offset_us = 2000};
  measured[3].add(at);
  measured[4].add({.written_us = 900,
                   .marker_us = 1000,
                   .action_us = 3100,
                   .effect_us = 93'000,
                   .offset_us = 2000});
  const std::string text = table(kSetup, measured, {});
  EXPECT_THAT(text, ContainsRegex("planned offset to effect, p95 +3\\.900 ms +<= 5 ms +met"));
  EXPECT_THAT(text, ContainsRegex("the same by how=task, p95 +90\\.000 ms +no target"));
  EXPECT_THAT(text, ContainsRegex("planned to action +0\\.100"));
  EXPECT_THAT(table(kSetup, {}, {}), ContainsRegex("to effect, p95 +- +<= 5 ms +missed"));
  const Json json = report(kSetup, measured, {});
  EXPECT_EQ(json["guard_planned"]["planned_to_effect_us"]["p95"], 3900);
  EXPECT_EQ(json["guard_planned"]["planned_to_action_us"]["max"], 100);
  EXPECT_EQ(json["guard_planned_task"]["planned_to_effect_us"]["p95"], 90'000);
  EXPECT_EQ(json["guard"]["marker_to_action_us"].contains("p95"), false) << "as documented";
}

TEST(Table, misses_every_target_of_time_without_a_trial_that_fired) {
  const std::string text = table(kSetup, {}, {});
  EXPECT_THAT(text, ContainsRegex("marker to action, p50 +- +<= 2 ms +missed"));
  EXPECT_THAT(text, ContainsRegex("marker to action, p99 +- +<= 10 ms +missed"));
}

TEST(Table, holds_watch_and_trigger_together_against_the_armed_target) {
  const Cost cost{
      .rest = {.core = 0.9}, .watch_armed = {.core = 2.1}, .trigger_armed = {.core = 2.1}};
  const std::string text = table(kSetup, one_lost(), cost);
  EXPECT_THAT(text, ContainsRegex("at rest: watch +0\\.90 % +<= 1 % of a core +met"));
  EXPECT_THAT(text, ContainsRegex("armed: watch and trigger +4\\.20 % +<= 4 % of a core +missed"));
}

TEST(Report, has_each_way_with_its_losses_and_distributions) {
  const Json json = report(kSetup, one_lost(), {});
  EXPECT_EQ(json["guard"]["lost"], 1);
  EXPECT_EQ(json["guard"]["marker_to_action_us"]["p99"], 1500);
  EXPECT_EQ(json["journalctl"]["action_to_effect_us"], (Json{{"n", 0}}));
  EXPECT_EQ(json["ssh"]["marker_to_action_us"]["n"], 0);
}

TEST(Report, has_the_cost_and_the_largest_memory) {
  const Json json = report(kSetup,
                           one_lost(),
                           {.rest = {.core = 0.5, .resident_kb = 3000},
                            .watch_armed = {.core = 1, .resident_kb = 3100},
                            .trigger_armed = {.core = 2, .resident_kb = 5000}});
  EXPECT_EQ(json["cost"]["rest_cpu_percent"], 0.5);
  EXPECT_EQ(json["cost"]["armed_cpu_percent"], 3.0);
  EXPECT_EQ(json["cost"]["rss_kb"], 5000);
}

}  // namespace
}  // namespace harness::bench
