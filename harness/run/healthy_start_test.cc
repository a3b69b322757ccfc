#include "harness/run/healthy_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/observe/fake_server.h"

namespace harness::run {
namespace {

using observe::FakeServer;
using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::milliseconds(30));
}

struct Start {
  Status status;
  std::vector<Json> events;
};

Start start(const std::vector<cluster::Node*>& nodes, const std::stop_token& stop = {}) {
  Start out;
  out.status = healthy_start(
      observe::Access("lab", nodes),
      [&](Json event) { out.events.push_back(std::move(event)); },
      soon(),
      stop);
  return out;
}

TEST(HealthyStart, goes_on_at_once_where_all_is_well_and_says_so_in_the_events) {
  FakeServer server;
  const Start seen = start({&server.node});
  ASSERT_TRUE(seen.status) << seen.status.error().message();
  ASSERT_EQ(seen.events.size(), 2U);
  EXPECT_EQ(seen.events[1]["step"], "healthy-start");
  EXPECT_EQ(seen.events[1]["ok"], true);
}

TEST(HealthyStart, names_what_is_sick) {
  const auto sick = [](const auto& bend, const char* said) {
    FakeServer server;
    bend(server);
    const Start seen = start({&server.node});
    ASSERT_FALSE(seen.status) << said;
    EXPECT_EQ(seen.status.error().code(), ErrorCode::timed_out);
    EXPECT_THAT(seen.status.error().message(), HasSubstr("sick before anything was done to it"));
    EXPECT_THAT(seen.status.error().message(), HasSubstr(said));
    EXPECT_THAT(seen.events.back()["error"].get<std::string>(), HasSubstr(said));
  };
  sick([](FakeServer& server) { server.readyz = 500; }, "cp-1: apiserver /readyz: 500");
  sick([](FakeServer& server) { server.etcd_health = "false"; }, "cp-1: etcd is not healthy");
  sick([](FakeServer& server) { server.ready = false; }, "cp-1 is not Ready");
  sick([](FakeServer& server) { server.active = "failed"; }, "rke2-server.service is failed");
}

TEST(HealthyStart, asks_nothing_of_a_cluster_that_runs_nothing_yet) {
  FakeServer server;
  server.active = "inactive";
  server.readyz = 500;
  EXPECT_TRUE(start({&server.node}).status);
  for (const auto& seen : server.node.traffic()) {
    EXPECT_NE(seen.kind, "http") << seen.text;
  }
}

TEST(HealthyStart, leaves_a_stopped_node_to_the_baseline_unless_the_cluster_knows_it) {
  FakeServer server;
  FakeServer stopped("cp-2", "192.0.2.12");
  stopped.active = "inactive";
  EXPECT_TRUE(start({&server.node, &stopped.node}).status);
  FakeServer known("cp-1", "192.0.2.11");  // the cluster's list has this name
  known.active = "inactive";
  const Start seen = start({&server.node, &known.node});
  ASSERT_FALSE(seen.status);
  EXPECT_THAT(seen.status.error().message(), HasSubstr("rke2-server.service is inactive"));
}

TEST(HealthyStart, ends_with_the_run_that_is_stopped_and_blames_nothing) {
  FakeServer server;
  server.readyz = 500;
  std::stop_source stop;
  stop.request_stop();
  const Start seen = start({&server.node}, stop.get_token());
  ASSERT_FALSE(seen.status);
  EXPECT_EQ(seen.status.error().code(), ErrorCode::refused);
  EXPECT_THAT(seen.status.error().message(), testing::Not(HasSubstr("sick")));
}

TEST(HealthyStart, tells_a_node_that_does_not_answer) {
  FakeServer server;
  server.node.lose_connection();
  const Start seen = start({&server.node});
  ASSERT_FALSE(seen.status);
  EXPECT_EQ(seen.status.error().code(), ErrorCode::unreachable);
}

}  // namespace
}  // namespace harness::run
