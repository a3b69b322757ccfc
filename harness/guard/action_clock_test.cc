// Another time.
#include "harness/guard/action_clock.h"

#include <gmock/gmock.h>

#include "harness/guard/resource_fixture.h"

namespace harness::guard {
namespace {

using testing::Contains;

class ClockTest : public ResourceTest {
 protected:
  void SetUp() override {
    answer_ = [this](const std::string& line) -> Result<Finished> {
      if (line.starts_with("systemd-detect-virt")) {
        return Finished{.status = container_ ? 0 : 1, .out = container_ ? "lxc\n" : "none\n"};
      }
      const bool chrony = line.find("chronyd") != std::string::npos;
      return Finished{.out = line.find("ActiveState") == std::string::npos ? ""
                             : chrony                                      ? "active\n"
                                                                           : "inactive\n"};
    };
  }

  Clocks clocks() {
    return {.wall_us = [this] { return wall_; },
            .boot_us = [this] { return boot_; },
            .set =
                [this](std::int64_t to) {
                  wall_ = stuck_ ? wall_ : to;
                  return set_;
                }};
  }

  void pass(std::int64_t us) {
    wall_ += us;
    boot_ += us;
  }

  bool container_ = false;
  bool stuck_ = false;
  std::int64_t wall_ = 1'000'000'000;
  std::int64_t boot_ = 5'000'000;
  Status set_;
};

TEST_F(ClockTest, jumps_and_comes_back_to_what_it_would_have_been) {
  for (const std::int64_t offset : {3'600'000, -3'600'000}) {
    asked_.clear();
    const std::int64_t before = wall_;
    const auto deed =
        jump_clock(asks(Action::Kind::clock, {{"offset_ms", offset}}), means_, clocks());
    ASSERT_TRUE(deed) << deed.error().message();
    EXPECT_EQ(wall_, before + offset * 1000);
    EXPECT_EQ(deed->evidence["moved_ms"], offset);
    EXPECT_THAT(asked_, Contains("systemctl stop chronyd.service"));
    pass(7'000'000);
    const auto released = release_clock(held_, means_, clocks());
    ASSERT_TRUE(released) << released.error().message();
    EXPECT_EQ(wall_, before + 7'000'000);
    EXPECT_THAT(asked_, Contains("systemctl start chronyd.service"));
    EXPECT_TRUE(release_clock(held_, means_, clocks())) << "twice does no harm";
    EXPECT_EQ(wall_, before + 7'000'000);
  }
}

TEST_F(ClockTest, is_left_alone_in_a_container) {
  container_ = true;
  const auto deed = jump_clock(asks(Action::Kind::clock, {{"offset_ms", 5000}}), means_, clocks());
  ASSERT_FALSE(deed);
  EXPECT_EQ(deed.error().code(), ErrorCode::not_supported);
  EXPECT_EQ(wall_, 1'000'000'000);
}

TEST_F(ClockTest, that_does_not_move_is_no_hit) {
  stuck_ = true;
  EXPECT_FALSE(jump_clock(asks(Action::Kind::clock, {{"offset_ms", 5000}}), means_, clocks()));
}

}  // namespace
}  // namespace harness::guard
