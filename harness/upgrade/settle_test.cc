#include <gmock/gmock.h>

#include "harness/observe/fake_server.h"
#include "harness/upgrade/rolling.h"

namespace harness::upgrade {
namespace {

using observe::FakeServer;
using testing::HasSubstr;

SettleOptions quick() {
  return {.quiet = std::chrono::milliseconds(0),
          .period = std::chrono::milliseconds(1),
          .wait_for_back_off = true};
}

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

std::string unsettled(FakeServer& server) {
  const observe::Access access("lab", {&server.node});
  const auto settled = settle(access, quick(), Deadline::after(std::chrono::milliseconds(30)));
  EXPECT_FALSE(settled);
  EXPECT_EQ(settled.error().code(), ErrorCode::timed_out);
  return settled ? "" : settled.error().message();
}

TEST(Settle, is_immediate_on_a_healthy_and_quiet_cluster) {
  FakeServer server;
  const observe::Access access("lab", {&server.node});
  const auto settled = settle(access, quick(), soon());
  ASSERT_TRUE(settled) << settled.error().message();
  EXPECT_EQ(settled->waited_for, "");
}

TEST(Settle, names_each_kind_of_unrest) {
  {
    FakeServer server;
    server.active = "activating";
    EXPECT_THAT(unsettled(server), HasSubstr("rke2-server.service is activating"));
  }
  {
    FakeServer server;
    server.sandbox_uid = "old";
    EXPECT_THAT(unsettled(server), HasSubstr("cp-1: etcd: manifest"));
  }
  {
    FakeServer server;
    server.etcd_health = "false";
    EXPECT_THAT(unsettled(server), HasSubstr("etcd is not healthy"));
  }
  {
    FakeServer server;
    server.learner = true;
    EXPECT_THAT(unsettled(server), HasSubstr("still a learner"));
  }
  {
    FakeServer server;
    server.alarms = Json::array({{{"memberID", "101"}, {"alarm", "NOSPACE"}}});
    EXPECT_THAT(unsettled(server), HasSubstr("NOSPACE"));
  }
  {
    FakeServer server;
    server.readyz = 500;
    EXPECT_THAT(unsettled(server), HasSubstr("/readyz: 500"));
  }
  {
    FakeServer server;
    server.ready = false;
    EXPECT_THAT(unsettled(server), HasSubstr("cp-1 is not Ready"));
  }
  {
    FakeServer server;
    server.back_off_s = 40;
    EXPECT_THAT(unsettled(server), HasSubstr("back-off of etcd on cp-1: 40s"));
  }
  {
    FakeServer server;
    server.node.lose_connection();
    server.node.set_reconnect_error(Error(ErrorCode::unreachable, "no route to host"));
    EXPECT_THAT(unsettled(server), HasSubstr("no route to host"));
  }
}

TEST(Settle, waits_for_back_off_of_earlier_trials_and_says_so) {
  FakeServer server;
  server.back_off_s = 20;
  int asked = 0;
  server.node.on_http("kube-node-lease", [&](const cluster::HttpRequest&) {
    if (++asked == 3) {
      server.back_off_s = 0;
    }
    return cluster::HttpResponse{
        .status = 200, .body = R"({"items": []})", .latency = Microseconds(1)};
  });
  const observe::Access access("lab", {&server.node});
  const auto settled = settle(access, quick(), soon());
  ASSERT_TRUE(settled) << settled.error().message();
  EXPECT_THAT(settled->waited_for, HasSubstr("back-off of etcd on cp-1: 20s"));
}

TEST(Settle, takes_no_node_for_well_by_a_lease_from_before_the_fault) {
  FakeServer server;
  std::string renewed = "2025-05-16T09:07:39.000000Z";
  int asked = 0;
  server.node.on_http("kube-node-lease", [&](const cluster::HttpRequest&) {
    if (++asked == 3) {
      renewed = "2025-05-16T09:07:49.000000Z";
    }
    return cluster::HttpResponse{
        .status = 200,
        .body = R"({"items": [{"metadata": {"name": "cp-1"}, "spec": {"renewTime": ")" + renewed +
                R"("}}]})",
        .latency = Microseconds(1)};
  });
  const observe::Access access("lab", {&server.node});
  SettleOptions options = quick();
  options.leases_since_us = *parse_wall("2025-05-16T09:07:42.000000Z");
  const auto settled = settle(access, options, soon());
  ASSERT_TRUE(settled) << settled.error().message();
  EXPECT_GE(asked, 3);
  EXPECT_THAT(settled->waited_for,
              HasSubstr("cp-1 is Ready by a lease that is 3s older than the fault"));
}

TEST(Settle, starts_its_quiet_stretch_again_when_the_service_restarts) {
  FakeServer server;
  server.node.on_run("boot_id", [&](const exec::Command&) {
    ++server.n_restarts;
    exec::CommandResult result;
    result.out = "boot1\n";
    return result;
  });
  const observe::Access access("lab", {&server.node});
  SettleOptions options = quick();
  options.quiet = std::chrono::seconds(10);
  const auto settled = settle(access, options, Deadline::after(std::chrono::milliseconds(30)));
  ASSERT_FALSE(settled);
  EXPECT_THAT(settled.error().message(), HasSubstr("something restarted"));
}

TEST(Settle, stops_when_asked_to) {
  FakeServer server;
  server.ready = false;
  const observe::Access access("lab", {&server.node});
  std::stop_source stop;
  stop.request_stop();
  const auto settled = settle(access, quick(), soon(), stop.get_token());
  ASSERT_FALSE(settled);
  EXPECT_EQ(settled.error().code(), ErrorCode::refused);
}

}  // namespace
}  // namespace harness::upgrade
