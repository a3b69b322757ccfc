#include "harness/run/strikes.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "harness/base/eventually.h"
#include "harness/cluster/borrowed_node.h"
#include "harness/observe/fake_server.h"

namespace harness::run {
namespace {

using observe::FakeServer;
using testing::ElementsAre;
using testing::HasSubstr;

// A guard as far as arming goes: records in order, each with the answers that a test gives it.
struct FakeGuard {
  explicit FakeGuard(FakeServer& server) {
    server.node.on_guard("arm", [this](const Json& record) -> Result<std::vector<Json>> {
      const std::lock_guard held(mutex);
      if (!refuses.empty()) {
        return fail(ErrorCode::refused, refuses);
      }
      armed.push_back(record);
      return std::vector<Json>{{{"type", "armed"}, {"id", record["id"]}, {"state", "ARMED"}}};
    });
    server.node.on_guard("heartbeat", std::vector<Json>{});
    server.node.on_guard("status", [this](const Json&) {
      const std::lock_guard held(mutex);
      std::vector<Json> out;
      for (const Json& record : armed) {
        Json line = {{"type", "record"}, {"id", record["id"]}, {"state", "APPLIED"}};
        line["outcome"] = outcome;
        line["reason"] = "as told";
        line["evidence"] = {{"summary", record["id"].get<std::string>() + " is done"}};
        out.push_back(std::move(line));
      }
      return out;
    });
    server.node.on_guard("heal", [this](const Json&) {
      const std::lock_guard held(mutex);
      ++heals;
      return std::vector<Json>{};
    });
  }

  std::vector<std::string> ids() {
    const std::lock_guard held(mutex);
    std::vector<std::string> out;
    for (const Json& record : armed) {
      out.push_back(record["id"].get<std::string>());
    }
    return out;
  }

  std::mutex mutex;
  std::vector<Json> armed;
  std::string outcome = "applied";
  std::string refuses;
  int heals = 0;
};

struct Bench {
  Bench() {
    has({&server});
    cell.name = "s/c";
    cell.fault = "none";
    cell.target = "cp-1";
  }

  void has(const std::vector<FakeServer*>& servers) {
    std::vector<std::unique_ptr<cluster::Node>> nodes;
    for (FakeServer* one : servers) {
      nodes.push_back(std::make_unique<cluster::BorrowedNode>(one->node));
    }
    cluster = std::make_unique<cluster::Cluster>("lab", std::move(nodes));
  }

  std::string id() const { return record_id("r", cell, 1); }

  // kill-pod of etcd, and of kube-apiserver beside it or after it.
  void two_kills(bool after_previous) {
    const event::WindowDef window{.name = "w",
                                  .open = {{.text = "open", .level = {}, .object = {}}},
                                  .close = {{.text = "close", .level = {}, .object = {}}},
                                  .description = {}};
    const aim::Anchor anchor{
        .marker_of = "w", .open = window.open, .close = window.close, .offset = Microseconds(7)};
    cell.fault = "kill-pod";
    cell.window = window;
    cell.shot.anchor = anchor;
    cell.companions.push_back({.fault = "kill-pod",
                               .params = {},
                               .window = window,
                               .offset = {},
                               .shot = {.aim = {},
                                        .anchor = anchor,
                                        .why = {},
                                        .replays = {},
                                        .original_us = {},
                                        .companions = {}},
                               .target = "cp-1",
                               .after_previous = after_previous});
  }

  Strikes strikes() {
    return {{*cluster, access, "r", stop.get_token()}, cell, cell.shot, 1, [this](Json event) {
              events.push_back(std::move(event));
            }};
  }

  FakeServer server;
  FakeGuard guard{server};
  std::unique_ptr<cluster::Cluster> cluster;
  plan::Case cell;
  std::vector<Json> events;
  std::stop_source stop;

  observe::Access access{"lab", {&server.node}};
};

TEST(Strikes, arm_nothing_for_a_case_without_a_fault) {
  Bench bench;
  Strikes strikes = bench.strikes();
  ASSERT_TRUE(strikes.prepare());
  ASSERT_TRUE(strikes.arm());
  EXPECT_EQ(strikes.await().value(), "no fault");
  EXPECT_TRUE(bench.server.node.traffic().empty());
}

TEST(Strikes, arm_those_that_come_together_before_the_step) {
  Bench bench;
  bench.two_kills(false);
  Strikes strikes = bench.strikes();
  ASSERT_TRUE(strikes.prepare());
  const Status armed = strikes.arm();
  ASSERT_TRUE(armed) << armed.error().message();
  EXPECT_THAT(bench.guard.ids(), ElementsAre(bench.id(), bench.id() + "-b"));
  EXPECT_FALSE(bench.guard.armed[1]["trigger"].contains("any_invocation"));
  EXPECT_EQ(bench.guard.armed[1]["trigger"]["offset_us"], 7);
  const auto said = strikes.await();
  ASSERT_TRUE(said) << said.error().message();
  EXPECT_EQ(*said, bench.id() + " is done; " + bench.id() + "-b is done");
  ASSERT_EQ(bench.events.size(), 2U);
  EXPECT_EQ(bench.events[1]["id"], bench.id() + "-b");
  EXPECT_EQ(strikes.companions()[0]["record"], bench.id() + "-b");
}

TEST(Strikes, tell_of_a_replayed_further_fault_where_the_original_landed) {
  Bench bench;
  bench.two_kills(false);
  EXPECT_FALSE(bench.strikes().companions()[0].contains("original_us")) << "this is no replay";
  bench.cell.shot.companions = {bench.cell.companions[0].shot};
  bench.cell.shot.companions[0].original_us = 4711;
  EXPECT_EQ(bench.strikes().companions()[0]["original_us"], 4711);
}

TEST(Strikes, arm_one_after_the_other_once_the_first_has_fallen) {
  Bench bench;
  bench.two_kills(true);
  Strikes strikes = bench.strikes();
  ASSERT_TRUE(strikes.prepare());
  ASSERT_TRUE(strikes.arm());
  ASSERT_TRUE(eventually("the second is armed",
                         Deadline::after(std::chrono::seconds(20)),
                         std::chrono::milliseconds(1),
                         [&]() -> Result<Observation> {
                           return Observation{.done = bench.guard.ids().size() == 2, .seen = ""};
                         }));
  EXPECT_TRUE(bench.guard.armed[1]["trigger"]["any_invocation"].get<bool>())
      << "its window is one of the start that runs already";
  EXPECT_TRUE(strikes.await());
}

TEST(Strikes, let_what_waits_for_the_next_boot_sleep_on_the_node) {
  Bench bench;
  bench.two_kills(false);
  bench.cell.companions[0].next_boot = true;
  Strikes strikes = bench.strikes();
  ASSERT_TRUE(strikes.prepare());
  ASSERT_TRUE(strikes.arm());
  ASSERT_EQ(bench.guard.ids().size(), 2U);
  EXPECT_EQ(bench.guard.armed[1]["trigger"]["boot"], "next");
  EXPECT_GT(bench.guard.armed[1]["lease_ms"], bench.guard.armed[0]["lease_ms"])
      << "after a boot nobody can renew it for a while";
}

TEST(Strikes, all_sleep_until_the_operators_own_reboot) {
  Bench bench;
  bench.two_kills(false);
  bench.cell.by_reboot = true;
  Strikes strikes = bench.strikes();
  ASSERT_TRUE(strikes.prepare());
  ASSERT_TRUE(strikes.arm());
  ASSERT_EQ(bench.guard.ids().size(), 2U);
  EXPECT_EQ(bench.guard.armed[0]["trigger"]["boot"], "next");
  EXPECT_EQ(bench.guard.armed[1]["trigger"]["boot"], "next");
  EXPECT_EQ(strikes.companions()[0]["boot"], "next");
}

TEST(Strikes, never_arm_what_should_follow_a_miss_and_say_so) {
  Bench bench;
  bench.guard.outcome = "missed";
  bench.two_kills(true);
  Strikes strikes = bench.strikes();
  ASSERT_TRUE(strikes.prepare());
  ASSERT_TRUE(strikes.arm());
  const auto said = strikes.await();
  ASSERT_TRUE(said) << said.error().message();
  EXPECT_EQ(bench.guard.ids().size(), 1U);
  ASSERT_EQ(bench.events.size(), 2U);
  EXPECT_EQ(bench.events[1]["outcome"], "missed");
  EXPECT_EQ(bench.events[1]["state"], "NOT ARMED");
  EXPECT_FALSE(bench.events[1]["reason"].get<std::string>().empty());
}

TEST(Strikes, ask_the_budget_for_all_nodes_together) {
  Bench bench;
  bench.two_kills(false);
  FakeServer second("cp-2", "192.0.2.12");
  FakeGuard guard(second);
  bench.has({&bench.server, &second});
  bench.cell.companions[0].target = "cp-2";
  Strikes strikes = bench.strikes();
  ASSERT_TRUE(strikes.prepare());
  const Status armed = strikes.arm();
  ASSERT_FALSE(armed);
  EXPECT_EQ(armed.error().code(), ErrorCode::refused);
  EXPECT_THAT(armed.error().message(), HasSubstr("would leave -1 healthy etcd voters of 1"));
  EXPECT_TRUE(bench.guard.ids().empty());
  EXPECT_TRUE(guard.ids().empty());
}

TEST(Strikes, count_no_agent_as_a_server_that_is_down) {
  Bench bench;
  bench.two_kills(false);
  FakeServer agent("w-1", "192.0.2.21", false);
  FakeGuard guard(agent);
  bench.has({&bench.server, &agent});
  bench.cell.companions[0].target = "w-1";
  Strikes strikes = bench.strikes();
  ASSERT_TRUE(strikes.prepare());
  const Status armed = strikes.arm();
  EXPECT_TRUE(armed) << armed.error().message();
  EXPECT_EQ(guard.ids().size(), 1U);
}

TEST(Strikes, take_back_what_is_armed_when_told_to_and_only_then) {
  Bench bench;
  bench.two_kills(false);
  Strikes strikes = bench.strikes();
  ASSERT_TRUE(strikes.prepare());
  strikes.disarm();
  EXPECT_EQ(bench.guard.heals, 0) << "nothing was armed yet";
  bench.guard.refuses = "in quarantine";
  EXPECT_THAT(strikes.arm().error().message(), HasSubstr("in quarantine"));
  strikes.disarm();
  EXPECT_EQ(bench.guard.heals, 1) << "an answer may have been lost";
}

// kill-pod on w-1 while cp-1 is in its window.
struct TwoNodes : Bench {
  TwoNodes() {
    two_kills(false);
    cell.companions.clear();
    cell.target = "w-1";
    cell.on_server = false;
    cell.seen = {.node = "cp-1"};
    worker.node.on_guard("go", {{{"type", "go"}}});
    has({&server, &worker});
  }

  static Json window(const char* op) {
    return {{"type", "window"},
            {"window", "w"},
            {"node", "cp-1"},
            {"op", op},
            {"invocation", "new"},
            {"wall_us", wall_now_us()}};
  }

  bool told() const {
    return std::ranges::any_of(worker.node.traffic(), [](const auto& seen) {
      return seen.kind == "guard" && seen.text == "go";
    });
  }

  FakeServer worker{"w-1", "192.0.2.21", false};
  FakeGuard there{worker};
};

TEST(Strikes, give_the_word_when_another_node_is_in_its_window) {
  TwoNodes bench;
  Strikes strikes = bench.strikes();
  ASSERT_TRUE(strikes.prepare());
  const Status armed = strikes.arm();
  ASSERT_TRUE(armed) << armed.error().message();
  ASSERT_EQ(bench.there.ids().size(), 1U) << "armed before the step, with its way back";
  EXPECT_EQ(bench.there.armed[0]["trigger"]["go"], true);
  EXPECT_TRUE(bench.guard.ids().empty());
  EXPECT_FALSE(bench.told());
  // The first fault's offset is the shot's aim, which is the opening here.
  strikes.saw(TwoNodes::window("opened"));
  ASSERT_TRUE(eventually(
      "the word is given",
      Deadline::after(std::chrono::seconds(20)),
      std::chrono::milliseconds(1),
      [&]() -> Result<Observation> { return Observation{.done = bench.told(), .seen = "none"}; }));
  const auto said = strikes.await();
  ASSERT_TRUE(said) << said.error().message();
  EXPECT_EQ(*said, bench.id() + " is done");
}

TEST(Strikes, miss_when_the_other_node_never_came_into_its_window) {
  TwoNodes bench;
  Strikes strikes = bench.strikes();
  ASSERT_TRUE(strikes.prepare());
  ASSERT_TRUE(strikes.arm());
  const auto said = strikes.await();
  ASSERT_TRUE(said) << said.error().message();
  EXPECT_EQ(*said, "missed: cp-1 was never seen in w");
  EXPECT_FALSE(bench.told());
  ASSERT_FALSE(bench.events.empty());
  EXPECT_EQ(bench.events.back()["outcome"], "missed");
}

TEST(Strikes, count_the_server_that_starts_as_down) {
  TwoNodes bench;
  FakeServer second("cp-2", "192.0.2.12");
  FakeGuard guard(second);
  bench.has({&bench.server, &second});
  bench.cell.target = "cp-1";
  bench.cell.seen = {.node = "cp-2"};
  Strikes strikes = bench.strikes();
  ASSERT_TRUE(strikes.prepare());
  const Status armed = strikes.arm();
  ASSERT_FALSE(armed);
  EXPECT_THAT(armed.error().message(), HasSubstr("would leave -1 healthy etcd voters of 1"));
  EXPECT_TRUE(bench.guard.ids().empty());
}

TEST(Strikes, skip_a_power_cut_that_the_inventory_cannot_do) {
  Bench bench;
  bench.cell.fault = "cut-power";
  Strikes strikes = bench.strikes();
  ASSERT_TRUE(strikes.prepare());
  const Status armed = strikes.arm();
  ASSERT_FALSE(armed);
  EXPECT_EQ(armed.error().code(), ErrorCode::not_supported);
  EXPECT_TRUE(bench.guard.ids().empty());
  ASSERT_EQ(bench.events.size(), 1U);
  EXPECT_EQ(bench.events[0]["outcome"], "unsupported");
}

}  // namespace
}  // namespace harness::run
