#include "harness/observe/state.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "harness/observe/fake_server.h"

namespace harness::observe {
namespace {

using testing::HasSubstr;

const Deadline kSoon = Deadline::after(std::chrono::seconds(5));

TEST(BackOff, is_read_from_kubelet_s_own_words) {
  EXPECT_EQ(back_off_us("back-off 40s restarting failed container=etcd pod=etcd-cp-1"), 40'000'000);
  EXPECT_EQ(back_off_us("back-off 2m40s restarting failed container=etcd"), 160'000'000);
  EXPECT_EQ(back_off_us("back-off 5m0s restarting"), 300'000'000);
  EXPECT_EQ(back_off_us("image is being pulled"), 0);
  EXPECT_EQ(back_off_us("back-off pulling image"), 0);
}

TEST(State, shows_etcd_with_members_alarms_and_a_hash_at_the_revision_asked_for) {
  FakeServer server;
  ControlPlane plane(server.node);
  const Json state = etcd_state(plane, 4711, kSoon);
  EXPECT_EQ(state["type"], "state.etcd");
  EXPECT_EQ(state["healthy"], true);
  EXPECT_EQ(state["member_id"], "101");
  EXPECT_EQ(state["revision"], 4711);
  EXPECT_EQ(state["raft_term"], 3);
  EXPECT_EQ(state["hash"], 12345);
  EXPECT_EQ(state["hash_revision"], 4711);
  EXPECT_EQ(state["members"].size(), 1u);
  EXPECT_FALSE(state.contains("error"));
}

TEST(State, shows_an_etcd_that_does_not_answer_as_an_error_and_not_as_empty) {
  FakeServer server;
  server.node.on_http("maintenance/status", 503, "no");
  ControlPlane plane(server.node);
  const Json state = etcd_state(plane, 0, kSoon);
  EXPECT_EQ(state["reachable"], false);
  EXPECT_THAT(json_string(state, "error"), HasSubstr("503"));
  EXPECT_FALSE(state.contains("members"));
}

TEST(State, shows_nodes_with_their_leases) {
  FakeServer server;
  const Access access("lab", {&server.node});
  const Json state = nodes_state(access, &server.node, kSoon);
  ASSERT_EQ(state["nodes"].size(), 1u);
  EXPECT_EQ(state["nodes"][0]["ready"], true);
  EXPECT_EQ(state["nodes"][0]["kubelet_version"], "v1.30.12+rke2r1");
  EXPECT_EQ(state["nodes"][0]["lease_renewed_us"], *parse_wall("2025-05-16T09:07:39.000001Z"));
}

TEST(State, finds_a_node_by_its_address_when_its_name_differs) {
  FakeServer server("first", "192.0.2.11");
  const Json nodes = Json::array({{{"name", "ip-192-0-2-11"}, {"addresses", {"192.0.2.11"}}}});
  ASSERT_NE(find_node(nodes, server.node), nullptr);
  FakeServer other("other", "192.0.2.99");
  EXPECT_EQ(find_node(nodes, other.node), nullptr);
}

TEST(State, shows_back_off_and_last_exit_of_containers) {
  FakeServer server;
  server.back_off_s = 20;
  const Access access("lab", {&server.node});
  const Json state = restarts_state(access, server.node, kSoon);
  ASSERT_EQ(state["containers"].size(), 1u);
  EXPECT_EQ(state["containers"][0]["pod"], "etcd");
  EXPECT_EQ(state["containers"][0]["restart_count"], 3);
  EXPECT_EQ(state["containers"][0]["backoff_us"], 20'000'000);
  EXPECT_EQ(state["containers"][0]["last_exit"]["exit_code"], 137);
}

TEST(State, shows_disk_build_running_build_and_data_directory) {
  FakeServer server;
  server.running = "v1.30.11+rke2r1";
  const Json state = build_state(server.node, Version::parse("v1.30.12+rke2r1").value(), kSoon);
  EXPECT_EQ(state["expected"], "v1.30.12+rke2r1");
  EXPECT_EQ(state["disk_version"], "v1.30.12+rke2r1");
  EXPECT_EQ(state["running"], "v1.30.11+rke2r1");
  EXPECT_THAT(json_string(state, "data_dir"), HasSubstr("v1.30.12"));
}

TEST(State, is_taken_in_full_with_its_phase_and_one_error_hides_nothing_else) {
  FakeServer server;
  server.node.on_run(
      "tasks list",
      exec::CommandResult{
          .exit_status = 1, .signal = 0, .out = "", .err = "containerd is away", .cut = false});
  const Access access("lab", {&server.node});
  std::vector<Json> events;
  take_state(
      access,
      {.phase = Phase::after, .expected = {}},
      [&](Json event) { events.push_back(std::move(event)); },
      kSoon);
  std::vector<std::string> types;
  for (const Json& event : events) {
    EXPECT_EQ(event["phase"], "after");
    types.push_back(event["type"]);
  }
  EXPECT_THAT(types,
              testing::UnorderedElementsAre("state.static-pods",
                                            "state.etcd",
                                            "state.nodes",
                                            "state.build",
                                            "state.unit",
                                            "state.restarts",
                                            "state.clean"));
  const auto pods = std::find_if(events.begin(), events.end(), [](const Json& event) {
    return event["type"] == "state.static-pods";
  });
  EXPECT_THAT(json_string(*pods, "error"), HasSubstr("containerd is away"));
}

TEST(State, of_a_lost_node_is_errors_only) {
  FakeServer server;
  server.node.lose_connection();
  const Access access("lab", {&server.node});
  std::vector<Json> events;
  take_state(
      access, {}, [&](Json event) { events.push_back(std::move(event)); }, kSoon);
  EXPECT_EQ(events.size(), 7u);
  for (const Json& event : events) {
    EXPECT_THAT(json_string(event, "error"), HasSubstr("connection reset")) << event.dump();
  }
}

}  // namespace
}  // namespace harness::observe
