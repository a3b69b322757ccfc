#include "harness/compare/comparison.h"

#include <cmath>

#include <gmock/gmock.h>

#include "harness/compare/sample_cases.h"

namespace harness::compare {
namespace {

using testing::HasSubstr;

Comparison of(const std::vector<Hits>& before, const std::vector<Hits>& after) {
  return compare({a_case(kOld, before)}, {a_case(kNew, after)});
}

TEST(Compare, calls_more_failures_worse) {
  const Comparison found = of({{.passed = 6}}, {{.passed = 0, .failed = 6}});
  ASSERT_EQ(found.lines.size(), 1U);
  EXPECT_EQ(found.outcome, Outcome::worse);
  EXPECT_EQ(found.lines[0].by, "the same release before");
  EXPECT_NEAR(found.lines[0].p_failures, 1.0 / 462, 1e-9);
  EXPECT_THAT(found.lines[0].reason, HasSubstr("0 of 6 hit(s) failed before, 6 of 6 after"));
  EXPECT_TRUE(std::isinf(stats::median(found.lines[0].after.recovery_s))) << "it never came back";
  EXPECT_EQ(exit_status(found.outcome), 1);
}

TEST(Compare, calls_fewer_failures_better) {
  const Comparison found = of({{.passed = 1, .failed = 9}}, {{.passed = 10}});
  EXPECT_EQ(found.outcome, Outcome::better);
  EXPECT_EQ(exit_status(found.outcome), 0);
}

TEST(Compare, calls_a_longer_recovery_worse_and_a_shorter_one_better) {
  const std::vector<Hits> quick = {{.passed = 6, .recovery_s = 12}};
  const std::vector<Hits> slow = {{.passed = 6, .recovery_s = 40}};
  const Comparison worse = of(quick, slow);
  EXPECT_EQ(worse.outcome, Outcome::worse);
  EXPECT_EQ(worse.lines[0].recovery.delta, 1);
  EXPECT_THAT(worse.lines[0].reason, HasSubstr("recovery took 12.2 s before, 40.2 s after"));
  EXPECT_EQ(of(slow, quick).outcome, Outcome::better);
}

TEST(Compare, finds_no_difference_where_a_rise_by_half_is_ruled_out) {
  const Comparison found = of({{.passed = 6}}, {{.passed = 6}});
  EXPECT_EQ(found.outcome, Outcome::same);
  EXPECT_THAT(found.lines[0].reason, HasSubstr("a rise by more than 46 points is ruled out"));
  EXPECT_EQ(exit_status(found.outcome), 0);
}

TEST(Compare, says_how_many_times_would_tell_a_slower_recovery_from_chance) {
  const std::vector<Hits> quick = {{.passed = 5, .recovery_s = 10},
                                   {.passed = 3, .recovery_s = 60}};
  const std::vector<Hits> slow = {{.passed = 2, .recovery_s = 10}, {.passed = 6, .recovery_s = 90}};
  const Comparison found = of(quick, slow);
  EXPECT_EQ(found.outcome, Outcome::same) << found.lines[0].reason;
  EXPECT_THAT(found.lines[0].reason, HasSubstr("which may be chance: about "));
  EXPECT_THAT(found.lines[0].reason, HasSubstr("timed hits in each run would tell, now 8"));
  const Comparison alike = of(quick, quick);
  EXPECT_THAT(alike.lines[0].reason, testing::Not(HasSubstr("chance")));
}

TEST(Compare, says_how_many_hits_are_wanting) {
  const Comparison few = of({{.passed = 3}}, {{.passed = 3}});
  EXPECT_EQ(few.outcome, Outcome::too_few);
  EXPECT_THAT(few.lines[0].reason, HasSubstr("no p below 0.1, and 0.025 is needed"));
  EXPECT_EQ(few.lines[0].hits_wanted, 6);
  EXPECT_THAT(few.lines[0].reason, HasSubstr("if no more fail, 3 more than now"));
  EXPECT_EQ(exit_status(few.outcome), 4);
  const Comparison wide = of({{.passed = 5}}, {{.passed = 4, .failed = 1}});
  EXPECT_EQ(wide.outcome, Outcome::too_few);
  EXPECT_THAT(wide.lines[0].reason, HasSubstr("failures may still have risen by"));
  EXPECT_GT(wide.lines[0].hits_wanted.value_or(0), 20) << "20 % against none is hard to tell";
}

TEST(Compare, finds_a_run_without_hits_too_small) {
  const Comparison none = of({{.passed = 6}}, {});
  EXPECT_EQ(none.outcome, Outcome::too_few);
  EXPECT_EQ(none.tests, 0);
  EXPECT_THAT(none.lines[0].reason, HasSubstr("no hit in the second run"));
  EXPECT_THAT(of({}, {{.passed = 6}}).lines[0].reason, HasSubstr("no hit in the first run"));
  EXPECT_EQ(compare({}, {}).outcome, Outcome::too_few);
}

TEST(Compare, wants_more_of_each_pair_where_there_are_many) {
  std::vector<check::CaseVerdict> before;
  std::vector<check::CaseVerdict> after;
  for (int i = 0; i < 3; ++i) {
    const std::string name = "s/1_to_2/kill-pod.etcd/w+" + std::to_string(i) + "s/cp-1";
    before.push_back(a_case(name, {{.passed = 4}}));
    after.push_back(a_case(name, {i == 0 ? Hits{.failed = 4} : Hits{.passed = 4}}));
  }
  const Comparison three = compare(before, after);
  EXPECT_EQ(three.tests, 6);
  EXPECT_NEAR(three.lines[0].p_failures, 2.0 / 70, 1e-9) << "enough by itself";
  EXPECT_NEAR(three.lines[0].p_failures_holm, 5 * 2.0 / 70, 1e-9) << "second of six";
  EXPECT_EQ(three.outcome, Outcome::too_few);
  EXPECT_EQ(compare({before[0]}, {after[0]}).outcome, Outcome::worse);
}

// p of the times is 2/70 in each: below 0.05 alone, not where failures could have told as well.
TEST(Compare, holds_failures_and_times_to_one_level_together) {
  const Comparison both = of({{.passed = 4, .recovery_s = 12}}, {{.passed = 4, .recovery_s = 40}});
  EXPECT_EQ(both.tests, 2);
  EXPECT_NEAR(both.lines[0].recovery.p, 2.0 / 70, 1e-9);
  EXPECT_NEAR(both.lines[0].p_recovery_holm, 4.0 / 70, 1e-9);
  EXPECT_EQ(both.outcome, Outcome::too_few);
  EXPECT_EQ(both.to_json()["tests"], 2);
}

TEST(Compare, counts_failures_without_a_fault_apart_and_lets_them_bar_a_good_verdict) {
  const Comparison same = of({{.passed = 6}}, {{.passed = 6, .alone = 1}});
  EXPECT_EQ(same.lines[0].after.rate.failures, 0);
  EXPECT_EQ(same.outcome, Outcome::too_few);
  EXPECT_THAT(same.lines[0].reason,
              HasSubstr("1 trial(s) of the second run failed without any fault, 0 of the first"));
  EXPECT_EQ(of({{.failed = 6}}, {{.passed = 6, .alone = 1}}).outcome, Outcome::too_few);
  EXPECT_EQ(of({{.passed = 6}}, {{.failed = 6, .alone = 1}}).outcome, Outcome::worse);
  EXPECT_EQ(of({{.passed = 6, .alone = 1}}, {{.passed = 6}}).outcome, Outcome::same)
      << "in the older run they bar nothing";
}

TEST(Compare, never_mixes_stretched_with_natural_hits) {
  const std::vector<Hits> both = {{.passed = 6}, {.passed = 6, .stretched = true}};
  const Comparison like = of(both, {{.passed = 6}, {.passed = 0, .failed = 6, .stretched = true}});
  ASSERT_EQ(like.lines.size(), 2U);
  EXPECT_FALSE(like.lines[0].stretched);
  EXPECT_EQ(like.lines[0].outcome, Outcome::same);
  EXPECT_TRUE(like.lines[1].stretched);
  EXPECT_EQ(like.lines[1].outcome, Outcome::worse);
  const std::vector<Hits> only = {{.passed = 6, .stretched = true}};
  EXPECT_EQ(of(only, only).lines.size(), 1U);
  const Comparison unlike = of({{.passed = 6}}, only);
  ASSERT_EQ(unlike.lines.size(), 1U);
  EXPECT_EQ(unlike.outcome, Outcome::too_few) << "no natural hit in the second run";
  ASSERT_EQ(unlike.unpaired.size(), 1U);
  EXPECT_THAT(unlike.unpaired[0].reason, HasSubstr("0 of 6 stretched hit(s) failed"));
}

TEST(Compare, says_nothing_good_while_something_failed_that_has_no_like) {
  const auto good = a_case(kOld, {{.passed = 6}});
  const auto other = a_case("s/1_to_2/reboot.hard/w+0s/cp-1", {{.failed = 1}});
  EXPECT_EQ(compare({good}, {a_case(kNew, {{.passed = 6}}), other}).outcome, Outcome::too_few);
  EXPECT_EQ(compare({good, other}, {a_case(kNew, {{.passed = 6}})}).outcome, Outcome::same);
  const auto expected = a_case("s/1_to_2/none/cp-1", {{.failed = 1}}, "fail");
  EXPECT_EQ(compare({good}, {a_case(kNew, {{.passed = 6}}), expected}).outcome, Outcome::same)
      << "it failed as expected";
}

TEST(Compare, keeps_hits_without_a_time_out_of_the_times) {
  const Comparison found = of({{.passed = 6, .recovery_s = 0}}, {{.passed = 6}});
  EXPECT_EQ(found.lines[0].before.untimed, 6);
  EXPECT_EQ(found.lines[0].recovery.p, 1);
  EXPECT_EQ(found.tests, 1) << "what is no test costs the other nothing";
  EXPECT_EQ(found.outcome, Outcome::same);
}

}  // namespace
}  // namespace harness::compare
