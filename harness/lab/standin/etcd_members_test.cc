#include "harness/lab/standin/etcd_members.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::standin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Member kFirst{
    "1", "cp-1-aaaa", {"https://198.18.1.11:2380"}, {"https://198.18.1.11:2379"}, false};
constexpr const char* kOwnPeer = "https://198.18.1.12:2380";

TEST(Members, are_read_from_the_gateways_answer_and_from_db_info) {
  const auto gateway = parse_json(R"({"members": [
      {"ID": "18446744073709551615", "name": "cp-1-aaaa", "peerURLs": ["https://198.18.1.11:2380"],
       "clientURLs": ["https://198.18.1.11:2379"]},
      {"ID": "7", "peerURLs": ["https://198.18.1.12:2380"], "isLearner": true}]})");
  ASSERT_TRUE(gateway);
  const auto members = members_in(*gateway);
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[0].id, "18446744073709551615");
  EXPECT_EQ(members[0].name, "cp-1-aaaa");
  EXPECT_THAT(members[0].client_urls, ElementsAre("https://198.18.1.11:2379"));
  EXPECT_FALSE(members[0].learner);
  EXPECT_EQ(members[1].name, "");
  EXPECT_TRUE(members[1].learner);

  const auto info = parse_json(R"({"members": [{"ID": 18446744073709551615, "name": "cp-1"}]})");
  ASSERT_TRUE(info);
  EXPECT_EQ(members_in(*info).front().id, "18446744073709551615");
}

TEST(Joining, names_everybody_and_adds_a_server_that_is_not_among_them) {
  const auto joining = joining_among({kFirst}, "cp-2-bbbb", "cp-2", kOwnPeer);
  ASSERT_TRUE(joining) << joining.error().message();
  EXPECT_TRUE(joining->add);
  EXPECT_THAT(joining->cluster, ElementsAre("cp-1-aaaa=https://198.18.1.11:2380"));
}

TEST(Joining, takes_a_member_without_a_name_at_our_address_for_us) {
  const auto joining =
      joining_among({kFirst, {"7", "", {kOwnPeer}, {}, true}}, "cp-2-bbbb", "cp-2", kOwnPeer);
  ASSERT_TRUE(joining) << joining.error().message();
  EXPECT_FALSE(joining->add);
  EXPECT_THAT(
      joining->cluster,
      ElementsAre("cp-1-aaaa=https://198.18.1.11:2380", "cp-2-bbbb=https://198.18.1.12:2380"));
}

TEST(Joining, leaves_a_member_without_a_name_at_another_address_alone) {
  const auto joining = joining_among(
      {kFirst, {"7", "", {"https://198.18.1.13:2380"}, {}, true}}, "cp-2-bbbb", "cp-2", kOwnPeer);
  ASSERT_TRUE(joining) << joining.error().message();
  EXPECT_TRUE(joining->add);
}

TEST(Joining, refuses_a_second_member_of_our_nodes_name) {
  const auto joining = joining_among(
      {kFirst, {"7", "cp-2-cccc", {kOwnPeer}, {}, false}}, "cp-2-bbbb", "cp-2", kOwnPeer);
  ASSERT_FALSE(joining);
  EXPECT_THAT(joining.error().message(), HasSubstr("duplicate node name found"));
}

}  // namespace
}  // namespace harness::standin
