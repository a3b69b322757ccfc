#include "harness/lab/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/exec/fake_runner.h"

namespace harness::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Host, of_debian_or_ubuntu_with_everything_lacks_nothing) {
  EXPECT_THAT(missing_on(true, "NAME=\"Debian\"\nID=debian\n", {}), IsEmpty());
  EXPECT_THAT(missing_on(true, "ID=ubuntu\nID_LIKE=debian\n", {}), IsEmpty());
  EXPECT_THAT(missing_on(true, "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", {}), IsEmpty());
}

TEST(Host, names_each_thing_that_it_lacks) {
  EXPECT_THAT(
      missing_on(false, "ID=fedora\nHOME_URL=\"https://debian.example\"\n", {"systemd-nspawn"}),
      ElementsAre(HasSubstr("root"), HasSubstr("Debian or Ubuntu"), HasSubstr("systemd-nspawn")));
}

TEST(Bridge, gets_the_labs_address_and_comes_up) {
  exec::FakeRunner runner;
  runner.on("ip", exec::CommandResult{});
  const auto plan = plan_addresses("lab", 9, 1, 0).value();
  const Status made = make_bridge(runner, plan);
  ASSERT_TRUE(made) << made.error().message();
  std::string all;
  for (const auto& command : runner.commands()) {
    all += exec::describe(command) + "\n";
  }
  EXPECT_THAT(all, HasSubstr("type bridge"));
  EXPECT_THAT(all, HasSubstr("198.18.9.1/24"));
  EXPECT_THAT(all, HasSubstr("up"));
}

TEST(Bridge, that_cannot_be_made_says_what_ip_said) {
  exec::FakeRunner runner;
  runner.on("ip", exec::CommandResult{.exit_status = 2, .err = "RTNETLINK answers: not permitted"});
  const Status made = make_bridge(runner, plan_addresses("lab", 9, 1, 0).value());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(made.error().message(), HasSubstr("not permitted"));
}

TEST(Bridge, that_is_gone_already_is_no_error) {
  exec::FakeRunner runner;
  const auto removed = remove_bridge(runner, plan_addresses("never-was", 250, 1, 0).value());
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_FALSE(*removed);
  EXPECT_THAT(runner.commands(), IsEmpty());
}

}  // namespace
}  // namespace harness::lab
