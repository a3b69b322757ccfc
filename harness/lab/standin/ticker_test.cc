#include "harness/lab/standin/ticker.h"

#include <gtest/gtest.h>

namespace harness::standin {
namespace {

using std::chrono::seconds;

TEST(Ticker, counts_from_its_start_and_not_from_the_end_of_a_look) {
  const SteadyTime start{seconds(100)};
  Ticker ticker(seconds(20), start);
  EXPECT_EQ(ticker.take(start + seconds(3)), seconds(17));
  EXPECT_EQ(ticker.take(start + seconds(26)), seconds(14));
}

TEST(Ticker, makes_up_for_one_missed_tick_and_drops_the_others) {
  const SteadyTime start{seconds(100)};
  Ticker ticker(seconds(2), start);
  EXPECT_EQ(ticker.take(start + seconds(7)), seconds(0));
  EXPECT_EQ(ticker.take(start + seconds(7)), seconds(1));
}

}  // namespace
}  // namespace harness::standin
