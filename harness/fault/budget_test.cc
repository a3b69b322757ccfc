#include "harness/fault/budget.h"

#include <gmock/gmock.h>

#include "harness/observe/fake_server.h"

namespace harness::fault {
namespace {

using observe::FakeServer;
using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

Fault kill_etcd() {
  Fault fault;
  fault.name = "kill-pod";
  fault.params = {{"pod", "etcd"}};
  fault.needs = {.etcd_voters = 1, .servers_down = 1, .reboots = false, .harmless = false};
  return fault;
}

// Three servers, each a voter.
struct Trio {
  Trio() {
    const Json members = Json::array({{{"ID", "101"}, {"name", "cp-1-a"}},
                                      {{"ID", "102"}, {"name", "cp-2-b"}},
                                      {{"ID", "103"}, {"name", "cp-3-c"}}});
    int id = 101;
    for (FakeServer* server : {&one, &two, &three}) {
      server->members = members;
      server->member = std::to_string(id++);
    }
  }

  Status check(const Fault& fault, int servers_down = 1) {
    return check_budget(access, one.node, fault, {.servers_down = servers_down}, soon());
  }

  std::string refusal(const Fault& fault, int servers_down = 1) {
    const Status checked = check(fault, servers_down);
    EXPECT_FALSE(checked);
    EXPECT_EQ(checked.error().code(), ErrorCode::refused);
    return checked ? "" : checked.error().message();
  }

  FakeServer one{"cp-1", "192.0.2.11"};
  FakeServer two{"cp-2", "192.0.2.12"};
  FakeServer three{"cp-3", "192.0.2.13"};
  observe::Access access{"lab", {&one.node, &two.node, &three.node}};
};

TEST(Budget, allows_one_of_three_healthy_voters) {
  Trio trio;
  EXPECT_TRUE(trio.check(kill_etcd()));
}

TEST(Budget, allows_the_only_voter_of_a_single_server_when_one_server_may_be_down) {
  FakeServer server;
  const observe::Access access("lab", {&server.node});
  EXPECT_TRUE(check_budget(access, server.node, kill_etcd(), {.servers_down = 1}, soon()));
  const Status checked =
      check_budget(access, server.node, kill_etcd(), {.servers_down = 0}, soon());
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), ErrorCode::refused);
  EXPECT_THAT(checked.error().message(), HasSubstr("would leave 0 healthy etcd voters of 1"));
}

TEST(Budget, counts_a_voter_that_does_not_answer_as_lost) {
  Trio trio;
  trio.two.node.on_http("maintenance/status", 503, "");
  EXPECT_THAT(trio.refusal(kill_etcd()), HasSubstr("would leave 1 healthy etcd voters of 3"));
  EXPECT_THAT(trio.refusal(kill_etcd()), HasSubstr("cp-2-b: does not answer"));
}

TEST(Budget, counts_a_voter_that_is_unhealthy_or_without_leader_as_lost) {
  Trio trio;
  trio.two.etcd_health = "false";
  EXPECT_THAT(trio.refusal(kill_etcd()), HasSubstr("cp-2: /health is not true"));
  trio.two.etcd_health = "true";
  trio.two.leader = "0";
  EXPECT_THAT(trio.refusal(kill_etcd()), HasSubstr("cp-2: knows no leader"));
}

TEST(Budget, does_not_count_a_member_that_is_down_already_twice) {
  Trio trio;
  trio.one.etcd_health = "false";
  EXPECT_TRUE(trio.check(kill_etcd()));
}

// A composition's first target may be the sick one, and the others well.
TEST(Budget, counts_the_further_nodes_of_a_composition_beside_a_target_that_is_sick) {
  Trio trio;
  trio.one.etcd_health = "false";
  Fault both = kill_etcd();
  both.needs.etcd_voters = 2;
  EXPECT_THAT(trio.refusal(both), HasSubstr("would leave 1 healthy etcd voters of 3"));
}

TEST(Budget, waits_for_learners_and_alarms) {
  Trio trio;
  for (FakeServer* server : {&trio.one, &trio.two, &trio.three}) {
    server->alarms = Json::array({{{"memberID", "102"}, {"alarm", "NOSPACE"}}});
  }
  EXPECT_THAT(trio.refusal(kill_etcd()), HasSubstr("1 alarms: NOSPACE on 102"));
  for (FakeServer* server : {&trio.one, &trio.two, &trio.three}) {
    server->alarms = Json::array();
    server->members[2]["isLearner"] = true;
  }
  EXPECT_THAT(trio.refusal(kill_etcd()), HasSubstr("1 learners"));
}

TEST(Budget, counts_servers_whose_apiserver_is_away) {
  Trio trio;
  Fault fault = kill_etcd();
  fault.needs.etcd_voters = 0;
  trio.three.readyz = 500;
  EXPECT_THAT(trio.refusal(fault), HasSubstr("would make 2 servers down; the budget allows 1"));
  EXPECT_THAT(trio.refusal(fault), HasSubstr("cp-3"));
  EXPECT_TRUE(trio.check(fault, 2));
}

TEST(Budget, asks_nobody_about_a_fault_that_does_no_harm) {
  Trio trio;
  Fault fault;
  fault.needs.harmless = true;
  EXPECT_TRUE(trio.check(fault, 0));
  EXPECT_TRUE(trio.one.node.traffic().empty());
}

TEST(Budget, is_an_error_and_no_refusal_when_no_member_answers) {
  Trio trio;
  for (FakeServer* server : {&trio.one, &trio.two, &trio.three}) {
    server->node.lose_connection();
  }
  const Status checked = trio.check(kill_etcd());
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(checked.error().message(), HasSubstr("no etcd member answers"));
}

}  // namespace
}  // namespace harness::fault
