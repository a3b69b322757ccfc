#include "harness/base/eventually.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

using std::chrono::milliseconds;

TEST(Eventually, returns_as_soon_as_the_condition_holds) {
  int looks = 0;
  const Status status = eventually("count to three",
                                   Deadline::after(std::chrono::minutes(1)),
                                   milliseconds(1),
                                   [&]() -> Result<Observation> {
                                     return Observation{++looks == 3, std::to_string(looks)};
                                   });
  EXPECT_TRUE(status);
  EXPECT_EQ(looks, 3);
}

TEST(Eventually, says_what_was_last_seen_when_the_deadline_passes) {
  const Status status =
      eventually("node Ready", Deadline::after(milliseconds(0)), milliseconds(1), [] {
        return Result<Observation>(Observation{false, "NotReady"});
      });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::timed_out);
  EXPECT_EQ(status.error().message(), "node Ready: the deadline passed; last seen: NotReady");
}

TEST(Eventually, passes_an_error_on_with_what_was_being_done) {
  const Status status =
      eventually("ask etcd", Deadline::after(std::chrono::minutes(1)), milliseconds(1), [] {
        return Result<Observation>(fail(ErrorCode::unreachable, "reset"));
      });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::unreachable);
  EXPECT_EQ(status.error().message(), "ask etcd: reset");
}

TEST(Eventually, ends_early_when_stopped) {
  std::stop_source source;
  const Status status = eventually(
      "wait for ever",
      Deadline::after(std::chrono::hours(1)),
      milliseconds(3'600'000),
      [&] {
        source.request_stop();
        return Result<Observation>(Observation{false, "nothing yet"});
      },
      source.get_token());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::refused);
  EXPECT_NE(status.error().message().find("interrupted"), std::string::npos);
}

}  // namespace
}  // namespace harness
