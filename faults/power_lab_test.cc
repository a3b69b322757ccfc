// Power that is really cut on the lab: by the node's word, inside a window, and given back.
#include <filesystem>

#include "faults/lab_fixture.h"
#include "faults/look.h"
#include "harness/exec/local_runner.h"
#include "harness/fault/power_cut.h"
#include "harness/observe/unit_state.h"
#include "harness/power/restore.h"
#include "harness/upgrade/restart.h"

namespace harness::fault {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class PowerOnTheLab : public OnTheLab {
 protected:
  void SetUp() override {
    OnTheLab::SetUp();
    if (!inventory_.power) {
      GTEST_SKIP() << "no hookshot is built beside this test: " << HOOKSHOT_BINARY_DIR;
    }
    control_.emplace(commands_, *inventory_.power);
  }

  void TearDown() override { std::filesystem::remove_all(ledger_.folder()); }

  PowerMeans means() { return {*control_, ledger_}; }

  static power::Node who() { return {node().name(), node().address()}; }

  exec::LocalRunner commands_;
  power::Ledger ledger_{std::filesystem::temp_directory_path() / "hookshot-power-lab-test"};
  std::optional<power::Control> control_;
};

TEST_F(PowerOnTheLab, is_cut_inside_a_window_of_a_start_and_proved_by_the_next_boot) {
  allow();
  settle();
  const std::string boot = observe::read_boot_id(node(), Deadline::after(seconds(20))).value();
  InjectRequest made = request("reboot", {{"how", "power"}});
  event::WindowDef starting;
  starting.name = "starting";
  starting.open = {event::marker_from_json({{"log", "Running kubelet *"}}).value()};
  starting.close = {event::marker_from_json({{"log", "rke2 is up and running"}}).value()};
  made.arm.trigger.window = starting;
  made.power.emplace(means());
  ASSERT_TRUE(preflight(*access_, node(), made, Deadline::after(seconds(30))));
  std::vector<Json> events;
  PowerCut cut(node(),
               means(),
               {.cluster = cluster_->name(), .id = made.arm.id, .run = made.arm.run},
               [&](Json event) { events.push_back(std::move(event)); });
  const Status ready = cut.prepare(Deadline::after(seconds(30)));
  ASSERT_TRUE(ready) << ready.error().message();
  const Heartbeat heartbeat({&node()}, cluster_->name(), seconds(3));
  ASSERT_TRUE(arm(node(), made.fault, made.arm, Deadline::after(seconds(30))));
  cut.begin();
  const auto restarted = upgrade::restart(node(), Deadline::after(minutes(6)));
  ASSERT_TRUE(restarted) << restarted.error().message();
  EXPECT_TRUE(restarted->rebooted);
  EXPECT_NE(restarted->after.boot_id, boot);
  const auto outcome =
      await(node(), cluster_->name(), made.arm.id, {}, Deadline::after(minutes(1)));
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->outcome, "applied") << outcome->reason;
  EXPECT_EQ(outcome->record["evidence"]["clean_shutdown"], false) << outcome->evidence;
  EXPECT_FALSE(outcome->record["evidence"].contains("disproof")) << outcome->evidence;
  const auto said = cut.finish();
  ASSERT_TRUE(said) << said.error().message();
  ASSERT_TRUE(said->has_value());
  EXPECT_TRUE(ledger_.entries().empty());
  ASSERT_EQ(events.size(), 1U);
  std::printf("%s; %s\n", outcome->evidence.c_str(), said->value().c_str());
  EXPECT_TRUE(
      heal(cluster_->nodes(), cluster_->name(), "", {}, Deadline::after(minutes(1))).clean());
  settle();
}

TEST_F(PowerOnTheLab, comes_back_by_who_heals_when_its_controller_died_in_between) {
  settle();
  const std::string boot = observe::read_boot_id(node(), Deadline::after(seconds(20))).value();
  // What is left of a controller that was killed: the entry, and a node without power.
  ASSERT_TRUE(ledger_.note({.node = node().name(), .id = "h-1", .run = "r"}));
  const auto off = control_->bring(who(), power::State::off, Deadline::after(minutes(1)));
  ASSERT_TRUE(off) << off.error().message();
  const auto restored = power::restore(inventory_, commands_, ledger_, Deadline::after(minutes(1)));
  ASSERT_EQ(restored.size(), 1U);
  EXPECT_TRUE(restored[0].ok && restored[0].was_off) << restored[0].summary;
  const auto back = node().reconnect(Deadline::after(kLongestStart));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_NE(back->boot_id, boot);
  EXPECT_TRUE(ledger_.entries().empty());
  settle();
}

}  // namespace
}  // namespace harness::fault
