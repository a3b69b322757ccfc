#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/stats/distributions.h"
#include "harness/stats/proportions.h"
#include "harness/stats/ranks.h"
#include "harness/stats/rate.h"

namespace harness::stats {
namespace {

using check::TrialVerdict;
using check::Verdict;
using testing::DoubleNear;
using testing::ElementsAre;

void expect_interval(Interval seen, double low, double high) {
  EXPECT_NEAR(seen.low, low, 5e-5);
  EXPECT_NEAR(seen.high, high, 5e-5);
}

// Values of R's binom.test.
TEST(ExactInterval, is_that_of_clopper_and_pearson) {
  expect_interval(exact_interval(0, 20), 0, 0.1684);
  expect_interval(exact_interval(1, 20), 0.0013, 0.2487);
  expect_interval(exact_interval(12, 12), 0.7354, 1);
  expect_interval(exact_interval(0, 1), 0, 0.975);
  expect_interval(exact_interval(5, 10), 0.1871, 0.8129);
  expect_interval(exact_interval(0, 0), 0, 1);
}

// The lady who tastes tea (3 of 4 right), and the twins of R's fisher.test.
TEST(Fisher, gives_the_textbooks_values) {
  EXPECT_NEAR(fisher_exact({1, 4}, {3, 4}), 0.485714, 1e-6);
  EXPECT_NEAR(fisher_exact({0, 4}, {4, 4}), 0.028571, 1e-6);
  EXPECT_NEAR(fisher_exact({1, 10}, {11, 14}), 0.002759, 1e-6);
  EXPECT_NEAR(fisher_exact({10, 13}, {2, 17}), 0.0005367, 5e-8);
}

TEST(Fisher, finds_nothing_where_nothing_can_be_found) {
  EXPECT_EQ(fisher_exact({0, 12}, {0, 12}), 1);
  EXPECT_EQ(fisher_exact({12, 12}, {7, 7}), 1);
  EXPECT_EQ(fisher_exact({0, 0}, {3, 3}), 1);
  EXPECT_NEAR(smallest_p(3, 3), 0.1, 1e-9) << "three against three never decide";
  EXPECT_EQ(fisher_exact({2, 9}, {5, 7}), fisher_exact({5, 7}, {2, 9}));
}

TEST(RiskDifference, holds_the_seen_one_and_narrows_with_trials) {
  const RiskDifference few = risk_difference({0, 5}, {0, 5});
  EXPECT_EQ(few.seen, 0);
  EXPECT_NEAR(few.interval.high, 0.5218, 1e-4) << "that of 0 of 5: before adds nothing below zero";
  EXPECT_LT(risk_difference({0, 20}, {0, 20}).interval.high, 0.17);
  const RiskDifference wide = risk_difference({1, 10}, {4, 10});
  EXPECT_NEAR(wide.seen, 0.3, 1e-12);
  EXPECT_LT(wide.interval.low, 0);
  EXPECT_GT(wide.interval.high, 0.6);
}

// Fleiss, Levin and Paik: 40 % against 60 % takes 97 in each group, 107 with the correction.
TEST(TrialsToTell, are_those_of_fleiss) {
  EXPECT_EQ(trials_to_tell(0.4, 0.6), 107);
  EXPECT_EQ(trials_to_tell(0.6, 0.4), 107);
  EXPECT_EQ(trials_to_tell(0, 1), 4) << "and four against four is where Fisher's test can decide";
  EXPECT_GT(*trials_to_tell(0, 0.05), *trials_to_tell(0, 0.1));
}

TEST(TrialsToTell, do_not_exist_for_equal_rates) {
  EXPECT_EQ(trials_to_tell(0.25, 0.25), std::nullopt);
  EXPECT_EQ(trials_to_tell(0, 0), std::nullopt);
}

TEST(TrialsToRuleOut, are_enough_and_not_one_too_many) {
  const int n = trials_to_rule_out(0.5, 0.05, 1000);
  EXPECT_EQ(n, 6);
  EXPECT_LE(exact_interval(0, n).high, 0.5);
  EXPECT_GT(exact_interval(0, n - 1).high, 0.5);
  EXPECT_GT(trials_to_rule_out(0.5, 0.05 / 100, 1000), n);
  EXPECT_EQ(trials_to_rule_out(0.001, 0.05, 200), 200);
}

TEST(Holm, steps_down_and_keeps_the_order) {
  EXPECT_THAT(holm({0.01, 0.04, 0.03, 0.005}),
              ElementsAre(DoubleNear(0.03, 1e-12),
                          DoubleNear(0.06, 1e-12),
                          DoubleNear(0.06, 1e-12),
                          DoubleNear(0.02, 1e-12)));
  EXPECT_THAT(holm({0.9, 0.8}), ElementsAre(1, 1));
  EXPECT_THAT(holm({}), ElementsAre());
}

// Noether: n = (z(1 - alpha/2) + z(power))^2 / (6 (p - 1/2)^2) of each, where p = (1 + delta) / 2.
TEST(TimesToTell, grow_as_the_effect_gets_smaller) {
  EXPECT_EQ(times_to_tell(1), 6);
  EXPECT_EQ(times_to_tell(-0.5), 21);
  EXPECT_GT(*times_to_tell(0.1), *times_to_tell(0.2));
  EXPECT_EQ(times_to_tell(0), std::nullopt);
}

// R: wilcox.test(c(0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46),
//                c(1.15, 0.88, 0.90, 0.74, 1.21)), of Hollander and Wolfe: W = 35, p = 0.2544.
TEST(MannWhitney, is_exact_for_few_times) {
  const RankTest test = mann_whitney({1.15, 0.88, 0.90, 0.74, 1.21},
                                     {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46});
  EXPECT_TRUE(test.exact);
  EXPECT_EQ(test.u, 35);
  EXPECT_NEAR(test.p, 0.2544, 5e-5);
  EXPECT_NEAR(test.delta, 0.4, 1e-12);
}

TEST(MannWhitney, counts_every_order) {
  EXPECT_NEAR(mann_whitney({1, 2, 3}, {4, 5, 6}).p, 0.1, 1e-12);
  EXPECT_NEAR(mann_whitney({1, 2, 3, 4}, {5, 6, 7, 8}).p, 2.0 / 70, 1e-12);
  EXPECT_EQ(mann_whitney({1, 4}, {2, 3}).p, 1);
  EXPECT_EQ(mann_whitney({}, {2, 3}).p, 1);
}

// By hand: m = n = 4, U = 12, two ties of two.
TEST(MannWhitney, corrects_for_ties) {
  const RankTest test = mann_whitney({1, 2, 3, 4}, {3, 4, 5, 2.5});
  EXPECT_FALSE(test.exact);
  EXPECT_EQ(test.u, 12);
  const double variance = 16.0 / 12 * (9 - 12.0 / 56);
  EXPECT_NEAR(test.p, std::erfc(3.5 / std::sqrt(variance) / std::sqrt(2)), 1e-12);
  EXPECT_EQ(mann_whitney({5, 5, 5}, {5, 5}).p, 1) << "nothing but ties";
}

TEST(MannWhitney, agrees_with_itself_where_the_exact_one_ends) {
  std::vector<double> before;
  std::vector<double> after;
  for (int i = 0; i < 50; ++i) {
    before.push_back(2.0 * i);
    after.push_back(2.0 * i + 17);
  }
  const RankTest exact = mann_whitney(before, after);
  EXPECT_TRUE(exact.exact);
  before.push_back(-1);
  const RankTest rough = mann_whitney(before, after);
  EXPECT_FALSE(rough.exact);
  EXPECT_NEAR(exact.p, rough.p, 0.02);
}

TEST(MannWhitney, takes_never_as_the_longest_time) {
  const double never = std::numeric_limits<double>::infinity();
  const RankTest test = mann_whitney({1, 2, 3, 4}, {never, never, never, never});
  EXPECT_EQ(test.delta, 1);
  EXPECT_LT(test.p, 0.05);
  EXPECT_EQ(median({1, never, never}), never);
  EXPECT_EQ(median({4, 1}), 2.5);
}

TrialVerdict trial(Verdict verdict, bool hit, bool counts) {
  return {.verdict = verdict, .hit = hit, .counts = counts};
}

// A sweep looks just before and just after its window, too; a case may be about nothing else.
TEST(RateOf, a_window_leaves_out_what_was_aimed_beside_it_unless_all_was) {
  check::TrialVerdict before = trial(Verdict::fail, true, true);
  before.aim = "-58ms";
  check::TrialVerdict after = trial(Verdict::pass, true, true);
  after.aim = "closed+58ms";
  const Rate rate = rate_of({trial(Verdict::pass, true, true), before, after});
  EXPECT_EQ(rate.hits, 1);
  EXPECT_EQ(rate.failures, 0);
  EXPECT_EQ(rate.beside, 2);
  EXPECT_THAT(describe(rate), testing::HasSubstr("; 2 aimed beside the window"));
  const Rate alone = rate_of({before, after});
  EXPECT_EQ(alone.hits, 2);
  EXPECT_EQ(alone.beside, 0);
}

TEST(RateOf, takes_hits_only) {
  const Rate rate = rate_of({trial(Verdict::pass, true, true),
                             trial(Verdict::fail, true, true),
                             trial(Verdict::unproven, false, false),
                             trial(Verdict::unproven, true, false),
                             trial(Verdict::error, false, false),
                             trial(Verdict::fail, false, true)});
  EXPECT_EQ(rate.hits, 2);
  EXPECT_EQ(rate.failures, 1);
  EXPECT_EQ(rate.alone, 1);
  EXPECT_EQ(rate.missed, 1);
  EXPECT_EQ(rate.unproven, 1);
  EXPECT_EQ(rate.errors, 1);
}

TEST(RateOf, says_what_it_is_of) {
  EXPECT_EQ(describe(Rate{.hits = 20, .failures = 1, .missed = 2}),
            "1 of 20 hit(s) failed: 5.0 % (exact 95 % interval 0.1 % to 24.9 %); 2 missed");
  EXPECT_EQ(describe(Rate{.errors = 3}), "no hit; 3 error(s) of the harness");
  EXPECT_EQ(describe(Rate{}), "no trial");
  EXPECT_FALSE(Rate{.missed = 4}.to_json().contains("rate")) << "of nothing there is no rate";
}

}  // namespace
}  // namespace harness::stats
