#include "harness/power/restore.h"

#include <gmock/gmock.h>

#include "harness/exec/fake_runner.h"

namespace harness::power {
namespace {

using exec::Command;
using exec::CommandResult;
using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

class PowerRestore : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "hookshot-power-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    inventory_.file = "lab.yaml";
    inventory_.nodes = {{.name = "cp-1", .address = "192.0.2.11", .server = true, .ssh = {}},
                        {.name = "cp-2", .address = "192.0.2.12", .server = true, .ssh = {}}};
    inventory_.power = inventory::Power{.off = {"bmc", "off", "{name}"},
                                        .on = {"bmc", "on", "{name}"},
                                        .state = {"bmc", "state", "{name}"}};
    runner_.on("bmc state", [this](const Command& command) -> Result<CommandResult> {
      return CommandResult{.out = off_ == command.argv[2] ? "off" : "on"};
    });
    runner_.on("bmc on", [this](const Command&) -> Result<CommandResult> {
      off_.clear();
      return CommandResult{};
    });
  }

  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::vector<Restored> restored() { return restore(inventory_, runner_, Ledger(folder_), soon()); }

  void note(const std::string& node) const {
    ASSERT_TRUE(Ledger(folder_).note({.node = node, .id = "h-1", .run = "r"}));
  }

  std::filesystem::path folder_;
  inventory::Inventory inventory_;
  exec::FakeRunner runner_;
  std::string off_;
};

TEST_F(PowerRestore, asks_nobody_where_nothing_was_cut) {
  EXPECT_TRUE(restored().empty());
  EXPECT_TRUE(runner_.commands().empty());
}

TEST_F(PowerRestore, gives_power_back_and_forgets_the_entry) {
  off_ = "cp-1";
  note("cp-1");
  note("cp-2");
  const auto all = restored();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(all[0].ok && all[0].was_off) << all[0].summary;
  EXPECT_THAT(all[0].summary, HasSubstr("was off and is on again, by `bmc on cp-1`"));
  EXPECT_TRUE(all[1].ok && !all[1].was_off) << all[1].summary;
  EXPECT_TRUE(restored().empty()) << "a second time there is nothing to do";
}

TEST_F(PowerRestore, keeps_the_entry_of_a_node_that_it_cannot_ask) {
  runner_.on("bmc state cp-1", CommandResult{.exit_status = 1, .err = "no route"});
  note("cp-1");
  note("cp-2");
  const auto all = restored();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_FALSE(all[0].ok);
  EXPECT_THAT(all[0].summary, HasSubstr("no route"));
  EXPECT_TRUE(all[1].ok) << "it goes on past a node that fails";
  EXPECT_EQ(Ledger(folder_).entries().size(), 1U);
}

TEST_F(PowerRestore, leaves_a_node_to_the_run_that_has_it_in_hand) {
  off_ = "cp-1";
  const auto held = Ledger(folder_).note({.node = "cp-1", .id = "h-1", .run = "r"});
  const auto all = restored();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_FALSE(all[0].ok);
  EXPECT_THAT(all[0].summary, HasSubstr("gives it back itself"));
  EXPECT_TRUE(runner_.commands().empty());
}

TEST_F(PowerRestore, says_what_to_do_by_hand_when_the_inventory_has_changed) {
  note("cp-9");
  EXPECT_THAT(restored().at(0).summary, HasSubstr("lab.yaml has no such node any more"));
  ASSERT_TRUE(Ledger(folder_).forget("cp-9"));
  note("cp-1");
  inventory_.power.reset();
  EXPECT_THAT(restored().at(0).summary, HasSubstr("lab.yaml has no `power` any more"));
  EXPECT_FALSE(restored().at(0).ok);
}

TEST_F(PowerRestore, tells_of_a_node_that_is_off_and_not_by_this_machines_doing) {
  off_ = "cp-2";
  EXPECT_EQ(off_without_entry(inventory_, runner_, "cp-1", soon()), "");
  EXPECT_THAT(off_without_entry(inventory_, runner_, "cp-2", soon()),
              HasSubstr("its power is off, and no run on this machine left it so; `bmc on cp-2`"));
}

}  // namespace
}  // namespace harness::power
