#include "harness/run/shots.h"

#include <map>

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

plan::Case wanting(int hits, int attempts) {
  plan::Case out;
  out.hits = hits;
  out.attempts = attempts;
  return out;
}

// Every trial of a sweep hits, a little late; how often it was given an instant.
int hits_of_sweep(Shots& shots, const plan::Case& cell, const check::Planned& planned) {
  std::vector<check::TrialVerdict> trials;
  while (const auto shot = shots.next()) {
    const std::int64_t at = aim::from_opening(shot->aim, cell.sweep->length).count();
    trials.push_back(trial(check::Verdict::pass, at + 2));
    trials.back().aim = aim::to_string(shot->aim);
    shots.landed(trials, planned);
  }
  return static_cast<int>(trials.size());
}

TEST(Shots, repeats_one_instant_until_enough_have_landed) {
  const plan::Case cell = wanting(2, 4);
  Shots shots(cell, 1);
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
  const plan::Case cell = wanting(1, 2);
  Shots shots(cell, 1);
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
  Shots shots(cell, 1);
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

// Such hits used to end a sweep: "29 hits inside without a failure".
TEST(Shots, takes_a_hit_that_could_not_be_judged_for_no_survived_one) {
  plan::Case cell = swept();
  cell.sweep->resolution = Microseconds(20'000);
  cell.sweep->confidence = 0.95;
  Shots shots(cell, 1);
  std::vector<check::TrialVerdict> trials;
  std::map<std::string, int> tried;
  while (const auto shot = shots.next()) {
    ASSERT_LE(++tried[aim::to_string(shot->aim)], 2) << aim::to_string(shot->aim);
    const std::int64_t at = aim::from_opening(shot->aim, cell.sweep->length).count();
    trials.push_back(
        trial(trials.empty() ? check::Verdict::pass : check::Verdict::unproven, at + 2));
    trials.back().counts = trials.size() == 1;
    shots.landed(trials, {.name = "c"});
  }
  EXPECT_GT(trials.size(), 30U);
  EXPECT_EQ(tried["+0s"], 1) << "that one was judged";
  EXPECT_EQ(tried["closed+20ms"], 2);
  EXPECT_EQ(shots.why(), "the sweep ends: no gap is larger than 20ms");
}

TEST(Shots, sweeps_anew_for_each_repetition) {
  plan::Case cell = swept();
  cell.hits = 2;
  cell.sweep->count = 3;
  Shots shots(cell, 4);
  EXPECT_EQ(hits_of_sweep(shots, cell, {.name = "c", .hits = 8}), 12)
      << "three trials each, two of them inside, and so the eight hits that are wanted";
  EXPECT_EQ(shots.why(), "the sweep ends: 3 trials were asked for");
}

TEST(Shots, says_which_sweep_of_several_an_instant_is_of) {
  plan::Case cell = swept();
  cell.sweep->count = 1;
  Shots shots(cell, 2);
  EXPECT_EQ(shots.next()->why, "the opening");
  shots.landed({trial(check::Verdict::pass, 2)}, {.name = "c", .hits = 2});
  EXPECT_EQ(shots.next()->why, "the opening (sweep 2 of 2)");
}

TEST(Shots, says_that_a_sweep_came_to_fewer_hits_than_are_wanted) {
  plan::Case cell = swept();
  cell.hits = 90;
  Shots shots(cell, 1);
  EXPECT_LT(hits_of_sweep(shots, cell, {.name = "c", .hits = 90}), 90);
  EXPECT_NE(shots.why().find("no gap is larger than 100ms; it came to fewer than the 90 hit(s)"),
            std::string::npos)
      << shots.why();
}

plan::Case recorded() {
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
  return cell;
}

TEST(Shots, fires_each_of_an_earlier_run_once) {
  const plan::Case cell = recorded();
  Shots shots(cell, 1);
  EXPECT_EQ(shots.next()->replays, "r:c:1");
  EXPECT_EQ(shots.next()->replays, "r:c:2");
  EXPECT_FALSE(shots.next());
}

TEST(Shots, fires_all_of_an_earlier_run_in_turn_as_often_as_they_are_repeated) {
  const plan::Case cell = recorded();
  Shots shots(cell, 3);
  std::vector<std::string> fired;
  while (const auto shot = shots.next()) {
    ASSERT_LT(fired.size(), 7U);
    fired.push_back(shot->replays);
  }
  EXPECT_EQ(fired,
            (std::vector<std::string>{"r:c:1", "r:c:2", "r:c:1", "r:c:2", "r:c:1", "r:c:2"}));
}

}  // namespace
}  // namespace harness::run
