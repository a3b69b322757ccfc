#include "harness/fault/power_cut.h"

#include <gmock/gmock.h>

#include "harness/base/eventually.h"
#include "harness/exec/fake_runner.h"
#include "harness/fault/inject.h"
#include "harness/observe/fake_server.h"

namespace harness::fault {
namespace {

using exec::Command;
using exec::CommandResult;
using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

class Power : public testing::Test {
 protected:
  Power() {
    runner_.on("bmc state", [this](const Command&) -> Result<CommandResult> {
      return CommandResult{.out = on_ ? "on" : "off"};
    });
    runner_.on("bmc off", [this](const Command&) -> Result<CommandResult> {
      noted_at_off_ = ledger_.entries().size() == 1;
      on_ = false;
      return CommandResult{};
    });
    runner_.on("bmc on", [this](const Command&) -> Result<CommandResult> {
      on_ = true;
      return CommandResult{};
    });
    server_.node.on_guard("facts", {{{"type", "facts"}, {"boot_id", "b"}, {"allow", "lab"}}});
  }

  void TearDown() override { std::filesystem::remove_all(ledger_.folder()); }

  static std::filesystem::path fresh() {
    std::string name = (std::filesystem::temp_directory_path() / "hookshot-power-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    return name;
  }

  PowerMeans means() { return {control_, ledger_}; }

  std::unique_ptr<PowerCut> made() {
    return std::make_unique<PowerCut>(server_.node,
                                      means(),
                                      PowerCut::Order{.cluster = "lab", .id = "h-1", .run = "r"},
                                      [this](Json event) { events_.push_back(std::move(event)); });
  }

  static Json moment() { return {{"type", "moment"}, {"id", "h-1"}, {"wall_us", wall_now_us()}}; }

  int asked(const std::string& what) const {
    int out = 0;
    for (const Command& command : runner_.commands()) {
      out += command.argv.at(1) == what ? 1 : 0;
    }
    return out;
  }

  void await(const std::string& what) {
    ASSERT_TRUE(eventually(what, soon(), std::chrono::milliseconds(1), [&] {
      return Result<Observation>(Observation{.done = asked(what) > 0, .seen = "not asked"});
    }));
  }

  observe::FakeServer server_;
  exec::FakeRunner runner_;
  power::Control control_{
      runner_,
      {.off = {"bmc", "off"}, .on = {"bmc", "on"}, .state = {"bmc", "state"}},
      {.look_period = std::chrono::milliseconds(1), .again_after = std::chrono::milliseconds(1)}};
  power::Ledger ledger_{fresh()};
  std::vector<Json> events_;
  std::atomic<bool> on_ = true;
  std::atomic<bool> noted_at_off_ = false;
};

TEST_F(Power, is_cut_at_the_nodes_word_and_given_back) {
  auto stream = server_.node.on_stream("moment");
  const auto power = made();
  ASSERT_TRUE(power->prepare(soon()));
  EXPECT_EQ(ledger_.entries().size(), 1U) << "the way back is there before anything is armed";
  power->begin();
  stream.feed({{"type", "waiting"}});
  EXPECT_EQ(asked("off"), 0);
  stream.feed(moment());
  await("on");
  const auto cut = power->finish();
  ASSERT_TRUE(cut) << cut.error().message();
  EXPECT_THAT(cut->value(), HasSubstr("`bmc off` began "));
  EXPECT_TRUE(noted_at_off_);
  EXPECT_TRUE(on_);
  EXPECT_TRUE(ledger_.entries().empty());
  ASSERT_EQ(events_.size(), 1U);
  EXPECT_EQ(events_[0]["type"], "power");
  EXPECT_EQ(events_[0]["id"], "h-1");
  EXPECT_GE(events_[0]["gone_node_us"], events_[0]["begun_node_us"]);
}

TEST_F(Power, is_left_alone_when_the_moment_never_comes) {
  const auto stream = server_.node.on_stream("moment");
  const auto power = made();
  ASSERT_TRUE(power->prepare(soon()));
  power->begin();
  const auto cut = power->finish();
  ASSERT_TRUE(cut);
  EXPECT_FALSE(cut->has_value());
  EXPECT_EQ(asked("off") + asked("on"), 0);
  EXPECT_TRUE(ledger_.entries().empty());
}

TEST_F(Power, waits_on_after_a_stream_that_broke) {
  auto first = server_.node.on_stream("moment");
  const auto power = made();
  ASSERT_TRUE(power->prepare(soon()));
  power->begin();
  first.end(Error(ErrorCode::unreachable, "reset"));
  auto second = server_.node.on_stream("moment");
  second.feed(moment());
  await("on");
  EXPECT_TRUE(power->finish());
  EXPECT_EQ(events_.size(), 1U);
}

TEST_F(Power, that_does_not_come_back_is_an_error_and_stays_noted) {
  runner_.on("bmc on", [](const Command&) -> Result<CommandResult> {
    return fail(ErrorCode::not_supported, "bmc is not installed");
  });
  auto stream = server_.node.on_stream("moment");
  const auto power = made();
  ASSERT_TRUE(power->prepare(soon()));
  power->begin();
  stream.feed(moment());
  await("on");
  const auto cut = power->finish();
  ASSERT_FALSE(cut);
  EXPECT_THAT(cut.error().message(), HasSubstr("cp-1 may be WITHOUT POWER"));
  EXPECT_EQ(ledger_.entries().size(), 1U) << "`heal` must find it";
}

TEST_F(Power, is_not_armed_when_the_state_command_asks_about_another_machine) {
  on_ = false;
  const Status prepared = made()->prepare(soon());
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code(), ErrorCode::refused);
  EXPECT_TRUE(ledger_.entries().empty());
}

TEST_F(Power, of_a_cluster_without_commands_is_refused_before_anything) {
  InjectRequest request;
  request.fault.name = "reboot";
  request.fault.needs.power = true;
  request.expendable = true;
  const observe::Access access("lab", {&server_.node});
  const Status refused = preflight(access, server_.node, request, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::not_supported);
  EXPECT_TRUE(server_.node.traffic().empty());
}

}  // namespace
}  // namespace harness::fault
