#include "harness/bench/distribution.h"

#include <gtest/gtest.h>

namespace harness::bench {
namespace {

Distribution of(std::initializer_list<std::int64_t> values) {
  Distribution out;
  for (const std::int64_t value : values) {
    out.add(value);
  }
  return out;
}

TEST(Distribution, gives_values_that_were_seen_and_none_between_them) {
  const Distribution two = of({1000, 10});
  EXPECT_EQ(two.percentile(50), 10);
  EXPECT_EQ(two.percentile(51), 1000);
}

TEST(Distribution, takes_the_nearest_rank_whatever_the_order) {
  Distribution hundred;
  for (std::int64_t value = 100; value >= 1; --value) {
    hundred.add(value);
  }
  EXPECT_EQ(hundred.percentile(0), 1);
  EXPECT_EQ(hundred.percentile(1), 1);
  EXPECT_EQ(hundred.percentile(50), 50);
  EXPECT_EQ(hundred.percentile(90), 90);
  EXPECT_EQ(hundred.percentile(99), 99);
  EXPECT_EQ(hundred.percentile(100), 100);
}

TEST(Distribution, lets_one_outlier_of_two_hundred_reach_the_maximum_but_not_p99) {
  Distribution values;
  for (int i = 0; i < 199; ++i) {
    values.add(5);
  }
  values.add(9000);
  EXPECT_EQ(values.percentile(99), 5);
  EXPECT_EQ(values.to_json()["max"], 9000);
}

TEST(Distribution, of_one_value_is_that_value) {
  EXPECT_EQ(of({7}).to_json(),
            (Json{{"min", 7}, {"p50", 7}, {"p90", 7}, {"p99", 7}, {"max", 7}, {"n", 1}}));
}

TEST(Distribution, of_nothing_claims_no_time) {
  EXPECT_EQ(Distribution().to_json(), (Json{{"n", 0}}));
}

constexpr std::string_view kStat =
    "71 (a (b) c) S 1 71 71 0 -1 4194560 300 0 0 0 120 34 5 6 0 -20 1 0 900 1 2";
constexpr std::string_view kStatus =
    "Name:\tguard\nVmPeak:\t  9000 kB\nVmHWM:\t    4321 kB\nVmRSS:\t    4000 kB\n";

TEST(Usage, is_read_behind_a_name_with_blanks_and_brackets) {
  const auto usage = usage_from(kStat, kStatus, 5);
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->ticks, 165) << "with what it started, as `systemctl show`";
  EXPECT_EQ(usage->peak_kb, 4321);
  EXPECT_EQ(usage->resident_kb, 4000);
}

TEST(Usage, of_a_process_that_ended_is_an_error_and_not_zero) {
  for (const auto& [stat, status] : {std::pair{std::string_view(), kStatus},
                                     std::pair{kStat, std::string_view("Name:\tguard\n")}}) {
    const auto usage = usage_from(stat, status, 5);
    ASSERT_FALSE(usage);
    EXPECT_EQ(usage.error().code(), ErrorCode::remote_failed);
  }
}

TEST(Usage, shares_are_per_cent_of_one_core) {
  const Usage from{.ticks = 100, .mono_us = 1'000'000};
  const Usage to{.ticks = 190, .mono_us = 31'000'000};
  EXPECT_DOUBLE_EQ(share_of_core(from, to, 100), 3.0);
  EXPECT_DOUBLE_EQ(share_of_core(from, from, 100), 0.0);
}

}  // namespace
}  // namespace harness::bench
