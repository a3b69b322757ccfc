#include "harness/power/control.h"

#include <gmock/gmock.h>

#include "harness/exec/fake_runner.h"

namespace harness::power {
namespace {

using exec::Command;
using exec::CommandResult;
using exec::FakeRunner;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

const Node kNode{.name = "cp-1", .address = "192.0.2.11"};

class PowerControl : public testing::Test {
 protected:
  PowerControl() {
    runner_.on("bmc state", [this](const Command&) -> Result<CommandResult> {
      return CommandResult{.out = on_ ? "Chassis Power is on\n" : "Chassis Power is off\n"};
    });
    runner_.on("bmc off", [this](const Command&) -> Result<CommandResult> {
      on_ = false;
      return CommandResult{.out = "Chassis Power Control: Down/Off\n"};
    });
    runner_.on("bmc on", [this](const Command&) -> Result<CommandResult> {
      on_ = ++ons_ >= on_after_;
      return CommandResult{};
    });
  }

  Control control() {
    return {
        runner_,
        {.off = {"bmc", "off", "{name}-bmc", "-P", "hunter2"},
         .on = {"bmc", "on", "{address}"},
         .state = {"bmc", "state"}},
        {.look_period = std::chrono::milliseconds(1), .again_after = std::chrono::milliseconds(1)}};
  }

  FakeRunner runner_;
  bool on_ = true;
  int ons_ = 0;
  int on_after_ = 1;
};

TEST_F(PowerControl, cuts_and_gives_and_believes_only_what_state_says) {
  EXPECT_EQ(control().state(kNode, soon()).value(), State::on);
  const auto off = control().bring(kNode, State::off, soon());
  ASSERT_TRUE(off) << off.error().message();
  EXPECT_THAT(runner_.commands()[1].argv, ElementsAre("bmc", "off", "cp-1-bmc", "-P", "hunter2"));
  EXPECT_EQ(off->tries, 1);
  EXPECT_GE(off->ended_us, off->begun_us);
  EXPECT_GE(off->seen_us, off->ended_us);
  EXPECT_EQ(control().state(kNode, soon()).value(), State::off);
}

TEST_F(PowerControl, gives_a_command_again_that_brought_nothing) {
  on_ = false;
  on_after_ = 3;
  const auto on = control().bring(kNode, State::on, soon());
  ASSERT_TRUE(on) << on.error().message();
  EXPECT_EQ(on->tries, 3);
}

TEST_F(PowerControl, shows_neither_in_errors_nor_in_evidence_what_is_secret) {
  const auto off = control().bring(kNode, State::off, soon());
  EXPECT_THAT(off.value().to_json().dump(), Not(HasSubstr("hunter2")));
  runner_.on("bmc off", [this](const Command&) -> Result<CommandResult> {
    on_ = true;
    return CommandResult{.exit_status = 1, .err = "password hunter2 refused\n"};
  });
  on_ = true;
  const auto failed =
      control().bring(kNode, State::off, Deadline::after(std::chrono::milliseconds(20)));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(failed.error().message(),
              AllOf(HasSubstr("power.off of cp-1"),
                    HasSubstr("bmc off cp-1-bmc -P"),
                    HasSubstr("ended with status 1"),
                    HasSubstr("the power is on"),
                    Not(HasSubstr("hunter2"))));
}

TEST_F(PowerControl, gives_up_at_once_on_a_program_that_is_not_there) {
  runner_.on("bmc off", [](const Command&) -> Result<CommandResult> {
    return fail(ErrorCode::not_supported, "bmc is not installed");
  });
  const auto off = control().bring(kNode, State::off, soon());
  ASSERT_FALSE(off);
  EXPECT_EQ(off.error().code(), ErrorCode::not_supported);
}

TEST_F(PowerControl, says_what_a_failed_state_command_printed) {
  runner_.on("bmc state", CommandResult{.exit_status = 2, .err = "no route\nto BMC\n"});
  const auto state = control().state(kNode, soon());
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error().message(),
              AllOf(HasSubstr("power.state of cp-1 (`bmc state`)"), HasSubstr("no route to BMC")));
}

TEST(PowerState, is_read_from_the_words_of_many_tools) {
  for (const char* text : {"Chassis Power is on\n", "running", "status: running", "ON", "Up 3 h"}) {
    EXPECT_EQ(state_from(text).value(), State::on) << text;
  }
  for (const char* text :
       {"Chassis Power is off\n", "shut off", "status: stopped", "Off", "poweredoff"}) {
    EXPECT_EQ(state_from(text).value(), State::off) << text;
  }
}

TEST(PowerState, is_never_guessed) {
  for (const char* text : {"", "unknown", "Chassis Power is on; last event: off", "once offline"}) {
    const auto state = state_from(text);
    ASSERT_FALSE(state) << text;
    EXPECT_EQ(state.error().code(), ErrorCode::invalid_input);
    EXPECT_THAT(state.error().message(), HasSubstr("it printed '" + std::string(text)));
  }
}

}  // namespace
}  // namespace harness::power
