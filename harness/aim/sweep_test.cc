#include "harness/aim/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::aim {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr SweepPlan kPlan{.length = milliseconds(800), .resolution = milliseconds(50)};

// Visits as a node without jitter would answer them.
std::vector<std::string> order(const SweepPlan& plan, std::size_t most) {
  std::vector<Visit> visits;
  std::vector<std::string> out;
  while (out.size() < most) {
    const Next next = next_instant(plan, visits, Microseconds(0));
    if (!next.aim) {
      break;
    }
    out.push_back(to_string(*next.aim));
    visits.push_back({*next.aim, from_opening(*next.aim, plan.length)});
  }
  return out;
}

TEST(Sweep, bisects_the_window_and_looks_around_it) {
  EXPECT_THAT(order(kPlan, 8),
              testing::ElementsAre(
                  "+0s", "+400ms", "-50ms", "closed+50ms", "+200ms", "+600ms", "+100ms", "+300ms"));
}

TEST(Sweep, ends_when_no_gap_is_larger_than_the_resolution) {
  const auto all = order(kPlan, 1000);
  EXPECT_EQ(all.size(), 18U) << "0, 50 ... 750 ms, before and after";
  std::vector<Visit> visits;
  for (int at = 0; at <= 800; at += 50) {
    visits.push_back({{Aim::Where::inside, milliseconds(at)}, milliseconds(at)});
  }
  SweepPlan plan = kPlan;
  plan.around = false;
  const Next next = next_instant(plan, visits, Microseconds(0));
  EXPECT_FALSE(next.aim);
  EXPECT_THAT(next.why, HasSubstr("no gap is larger than 50ms"));
}

TEST(Sweep, fills_the_gap_that_the_hits_left_not_the_plan) {
  std::vector<Visit> visits = {{{}, milliseconds(2)},
                               {{Aim::Where::inside, milliseconds(400)}, milliseconds(700)}};
  SweepPlan plan = kPlan;
  plan.around = false;
  EXPECT_EQ(to_string(*next_instant(plan, visits, Microseconds(0)).aim), "+349ms");
  EXPECT_EQ(largest_gap(plan, visits), milliseconds(698));
}

TEST(Sweep, aims_earlier_by_what_effects_come_late) {
  SweepPlan plan = kPlan;
  plan.around = false;
  std::vector<Visit> visits;
  while (const auto next = next_instant(plan, visits, Microseconds(0)).aim) {
    visits.push_back({*next, next->distance + milliseconds(84 + visits.size() % 3)});
  }
  EXPECT_LE(visits.size(), 18U);
  EXPECT_LE(largest_gap(plan, visits), milliseconds(100)) << "before the first effect";
  EXPECT_LT(visits.back().landed, milliseconds(800));
}

TEST(Sweep, does_not_stay_with_a_gap_that_it_does_not_hit) {
  SweepPlan plan = kPlan;
  plan.around = false;
  std::vector<Visit> visits;
  while (const auto next = next_instant(plan, visits, Microseconds(0)).aim) {
    const bool strays = next->distance > milliseconds(300) && next->distance < milliseconds(500);
    visits.push_back({*next, strays ? milliseconds(700) : next->distance});
    EXPECT_LE(std::ranges::count(visits, *next, &Visit::planned), 2) << to_string(*next);
    ASSERT_LT(visits.size(), 60U);
  }
  EXPECT_LE(largest_gap(plan, visits), milliseconds(300)) << "and what lies beside it is hit";
}

TEST(Sweep, leaves_an_instant_alone_that_was_missed_twice) {
  SweepPlan plan = kPlan;
  plan.around = false;
  std::vector<Visit> visits = {{{}, milliseconds(0)},
                               {{Aim::Where::inside, milliseconds(400)}, {}}};
  EXPECT_EQ(to_string(*next_instant(plan, visits, Microseconds(0)).aim), "+400ms");
  visits.push_back(visits.back());
  EXPECT_EQ(to_string(*next_instant(plan, visits, Microseconds(0)).aim), "+200ms");
  EXPECT_EQ(largest_gap(plan, visits), milliseconds(800)) << "a miss visits nothing";
}

TEST(Sweep, visits_an_instant_once_more_whose_hit_could_not_be_judged) {
  SweepPlan plan = kPlan;
  plan.around = false;
  const Visit unjudged{
      {Aim::Where::inside, milliseconds(400)}, milliseconds(400), false, /*judged=*/false};
  std::vector<Visit> visits = {{{}, milliseconds(0)}, unjudged};
  EXPECT_EQ(to_string(*next_instant(plan, visits, Microseconds(0)).aim), "+400ms");
  visits.push_back(unjudged);
  EXPECT_EQ(to_string(*next_instant(plan, visits, Microseconds(0)).aim), "+200ms");
  EXPECT_EQ(largest_gap(plan, visits), milliseconds(800)) << "it says nothing of the window";
}

TEST(Sweep, keeps_to_the_part_of_a_window_in_which_there_is_something_to_hit) {
  SweepPlan plan = kPlan;
  plan.around = false;
  std::vector<Visit> visits;
  std::vector<std::string> out;
  while (const auto next = next_instant(plan, visits, Microseconds(0)).aim) {
    const bool there = next->distance >= milliseconds(400);
    visits.push_back({*next, there ? std::optional(next->distance) : std::nullopt});
    out.push_back(to_string(*next));
  }
  EXPECT_THAT(std::vector(out.begin(), out.begin() + 10),
              testing::ElementsAre("+0s",
                                   "+0s",
                                   "+400ms",
                                   "+200ms",
                                   "+200ms",
                                   "+600ms",
                                   "+300ms",
                                   "+300ms",
                                   "+500ms",
                                   "+700ms"));
  EXPECT_EQ(out.size(), 8U + 2 * 8) << "in the end the rest is looked at, too";
  EXPECT_EQ(out.back(), "+250ms");
}

TEST(Sweep, comes_to_an_end_however_the_node_jitters) {
  std::vector<Visit> visits;
  int rounds = 0;
  while (rounds < 500) {
    const Next next = next_instant(kPlan, visits, Microseconds(0));
    if (!next.aim) {
      break;
    }
    ++rounds;
    visits.push_back(
        {*next.aim,
         rounds % 3 == 0 ? std::nullopt : std::optional<Microseconds>(milliseconds(900))});
  }
  EXPECT_LT(rounds, 80);
}

TEST(Sweep, stops_by_count_by_time_and_by_confidence) {
  SweepPlan plan = kPlan;
  plan.count = 1;
  EXPECT_THAT(next_instant(plan, {{{}, milliseconds(0)}}, Microseconds(0)).why,
              HasSubstr("1 trials"));
  plan.count = 0;
  plan.time = std::chrono::minutes(1);
  EXPECT_THAT(next_instant(plan, {}, std::chrono::minutes(1)).why, HasSubstr("time of 1m"));
  plan.time = Microseconds(0);
  plan.confidence = 0.95;
  EXPECT_EQ(passes_wanted(0.95, 0.1), 29);
  std::vector<Visit> visits(29, Visit{{}, milliseconds(0)});
  EXPECT_FALSE(next_instant(plan, visits, Microseconds(0)).aim);
  visits.back().failed = true;
  EXPECT_TRUE(next_instant(plan, visits, Microseconds(0)).aim) << "a failure is looked into";
}

TEST(Sweep, takes_confidence_from_judged_hits_only) {
  SweepPlan plan = kPlan;
  plan.confidence = 0.95;
  std::vector<Visit> visits(28, Visit{{}, milliseconds(0), false, /*judged=*/false});
  visits.push_back({{}, milliseconds(0)});
  EXPECT_TRUE(next_instant(plan, visits, Microseconds(0)).aim) << "one of 29 was judged";
}

// A hit just before or just after says nothing of the window.
TEST(Sweep, takes_confidence_from_hits_inside_only) {
  SweepPlan plan = kPlan;
  plan.confidence = 0.95;
  std::vector<Visit> visits(28, Visit{{}, milliseconds(0)});
  visits.push_back({{Aim::Where::before, milliseconds(50)}, milliseconds(-50)});
  visits.push_back({{Aim::Where::after, milliseconds(50)}, milliseconds(850)});
  EXPECT_TRUE(next_instant(plan, visits, Microseconds(0)).aim) << "29 are wanted inside";
  visits.push_back({{}, milliseconds(0)});
  EXPECT_THAT(next_instant(plan, visits, Microseconds(0)).why, HasSubstr("29 hits inside"));
  visits.push_back({{Aim::Where::after, milliseconds(50)}, milliseconds(850), true});
  EXPECT_TRUE(next_instant(plan, visits, Microseconds(0)).aim) << "a failure beside it counts";
}

}  // namespace
}  // namespace harness::aim
