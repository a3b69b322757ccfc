#include "harness/fault/peers.h"

#include <gmock/gmock.h>

#include "harness/observe/fake_server.h"

namespace harness::fault {
namespace {

using observe::FakeServer;
using testing::ElementsAre;
using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

Fault needing(Needs::Peers peers) {
  Fault fault;
  fault.name = "partition";
  fault.needs.peers = peers;
  return fault;
}

class Peers : public testing::Test {
 protected:
  FakeServer one{"cp-1", "192.0.2.11"};
  FakeServer two{"cp-2", "192.0.2.12"};
  FakeServer agent{"agent-1", "192.0.2.21", false};
  observe::Access access{"lab", {&one.node, &two.node, &agent.node}};
};

TEST_F(Peers, are_not_asked_for_where_none_are_needed) {
  const auto found = peer_addresses(access, one.node, needing(Needs::Peers::none), soon());
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->empty());
  EXPECT_TRUE(one.node.traffic().empty());
}

TEST_F(Peers, of_etcd_are_the_other_members_as_etcd_knows_them) {
  for (FakeServer* server : {&one, &two}) {
    server->members =
        Json::array({{{"ID", "101"}, {"name", "cp-1-x"}, {"peerURLs", {"https://10.0.0.1:2380"}}},
                     {{"ID", "102"},
                      {"name", "cp-2-x"},
                      {"peerURLs", {"https://10.0.0.2:2380", "https://[2001:db8::2]:2380"}}}});
  }
  two.member = "102";
  const auto of_one = peer_addresses(access, one.node, needing(Needs::Peers::etcd), soon());
  ASSERT_TRUE(of_one) << of_one.error().message();
  EXPECT_THAT(*of_one, ElementsAre("10.0.0.2", "2001:db8::2"));
  const auto of_two = peer_addresses(access, two.node, needing(Needs::Peers::etcd), soon());
  ASSERT_TRUE(of_two) << of_two.error().message();
  EXPECT_THAT(*of_two, ElementsAre("10.0.0.1"));
}

TEST_F(Peers, of_etcd_are_refused_to_an_agent) {
  const auto found = peer_addresses(access, agent.node, needing(Needs::Peers::etcd), soon());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::refused);
  EXPECT_THAT(found.error().message(), HasSubstr("agent-1 is an agent"));
}

TEST_F(Peers, are_the_inventory_s_addresses_where_the_cluster_says_nothing) {
  one.node.lose_connection();
  two.node.lose_connection();
  const auto nodes = peer_addresses(access, one.node, needing(Needs::Peers::nodes), soon());
  ASSERT_TRUE(nodes) << nodes.error().message();
  EXPECT_THAT(*nodes, ElementsAre("192.0.2.12", "192.0.2.21"));
  const auto servers = peer_addresses(access, one.node, needing(Needs::Peers::etcd), soon());
  ASSERT_TRUE(servers) << servers.error().message();
  EXPECT_THAT(*servers, ElementsAre("192.0.2.12"));
}

TEST_F(Peers, that_nobody_has_are_a_refusal_with_the_reason) {
  const observe::Access alone("lab", {&one.node});
  for (const Needs::Peers peers : {Needs::Peers::etcd, Needs::Peers::nodes}) {
    const auto found = peer_addresses(alone, one.node, needing(peers), soon());
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), ErrorCode::refused);
    EXPECT_THAT(found.error().message(), HasSubstr("cluster lab has no other"));
  }
}

}  // namespace
}  // namespace harness::fault
