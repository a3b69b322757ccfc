#include "harness/run/shots.h"

#include <gtest/gtest.h>

namespace harness::run {
namespace {

check::TrialVerdict trial(check::Verdict verdict, std::optional<std::int64_t> landed_us) {
  check::TrialVerdict out;
  out.verdict = verdict;
  out.hit = landed_us.has_value();
  out.counts = out.hit;
  out.landed_us = landed_us;
  return out;
}

plan::Case swept() {
  plan::Case cell;
  cell.window = {.name = "w",
                 .open = {{.text = "open", .level = {}, .object = {}}},
                 .close = {{.text = "close", .level = {}, .object = {}}},
                 .description = {}};
  cell.sweep = aim::SweepPlan{
      .length = Microseconds(1'000'000), .resolution = Microseconds(100'000), .before = false};
  return cell;
}

TEST(Shots, repeats_one_instant_until_enough_have_landed) {
  plan::Case cell;
  Shots shots(cell, 2, 4);
  std::vector<check::TrialVerdict> trials;
  for (const auto landed : {std::optional<std::int64_t>(),
                            std::optional<std::int64_t>(10),
                            std::optional<std::int64_t>(20)}) {
    ASSERT_TRUE(shots.next());
    trials.push_back(trial(landed ? check::Verdict::pass : check::Verdict::unproven, landed));
    shots.landed(trials, {.name = "c", .hits = 2});
  }
  EXPECT_FALSE(shots.next());
}

TEST(Shots, ends_after_its_attempts) {
  plan::Case cell;
  Shots shots(cell, 1, 2);
  std::vector<check::TrialVerdict> trials;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(shots.next());
    trials.push_back(trial(check::Verdict::unproven, {}));
    shots.landed(trials, {.name = "c"});
  }
  EXPECT_FALSE(shots.next());
}

TEST(Shots, sweeps_on_past_hits_and_failures_until_no_gap_is_left) {
  const plan::Case cell = swept();
  Shots shots(cell, 1, 1);
  std::vector<check::TrialVerdict> trials;
  std::vector<std::string> aims;
  while (const auto shot = shots.next()) {
    ASSERT_LT(aims.size(), 100U);
    aims.push_back(aim::to_string(shot->aim));
    EXPECT_EQ(shot->anchor.open,
              shot->aim.where == aim::Aim::Where::after ? cell.window.close : cell.window.open);
    const std::int64_t at = aim::from_opening(shot->aim, cell.sweep->length).count();
    trials.push_back(trial(at == 0 ? check::Verdict::fail : check::Verdict::pass, at + 2));
    shots.landed(trials, {.name = "c"});
  }
  ASSERT_GT(aims.size(), 9U);
  EXPECT_EQ(aims[0], "+0s");
  EXPECT_EQ(shots.why(), "the sweep ends: no gap is larger than 100ms");
}

TEST(Shots, fires_each_of_an_earlier_run_once) {
  plan::Case cell = swept();
  cell.again = {plan::Shot{.aim = {aim::Aim::Where::inside, Microseconds(7)},
                           .anchor = {},
                           .why = {},
                           .replays = "r:c:1",
                           .original_us = 9},
                plan::Shot{.aim = {aim::Aim::Where::inside, Microseconds(8)},
                           .anchor = {},
                           .why = {},
                           .replays = "r:c:2",
                           .original_us = {}}};
  Shots shots(cell, 1, 1);
  EXPECT_EQ(shots.next()->replays, "r:c:1");
  EXPECT_EQ(shots.next()->replays, "r:c:2");
  EXPECT_FALSE(shots.next());
}

}  // namespace
}  // namespace harness::run
