#include "harness/lab/address_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::lab {
namespace {

using testing::HasSubstr;

TEST(LabName, is_letters_digits_and_inner_dashes) {
  for (const char* name : {"lab", "a", "demo-2", "twelve-chars"}) {
    EXPECT_TRUE(check_lab_name(name)) << name;
  }
  for (const char* name :
       {"", "2lab", "-lab", "lab-", "Lab", "thirteen-char", "a b", "a/b", "../x", "l\xc3\xa4"}) {
    const auto checked = check_lab_name(name);
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().code(), ErrorCode::invalid_input);
    EXPECT_THAT(checked.error().message(), HasSubstr("at most 12"));
  }
}

TEST(AddressPlan, gives_servers_and_agents_addresses_of_one_subnet) {
  const auto plan = plan_addresses("demo", 7, 1, 2);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->bridge, "hs-demo");
  EXPECT_EQ(plan->host_address, "198.18.7.1");
  ASSERT_EQ(plan->nodes.size(), 3u);
  EXPECT_EQ(plan->nodes[0].name, "cp-1");
  EXPECT_EQ(plan->nodes[0].role, "server");
  EXPECT_EQ(plan->nodes[0].address, "198.18.7.11");
  EXPECT_EQ(plan->nodes[2].name, "w-2");
  EXPECT_EQ(plan->nodes[2].role, "agent");
  EXPECT_EQ(plan->nodes[2].address, "198.18.7.22");
}

TEST(AddressPlan, keeps_links_within_what_the_kernel_takes) {
  const auto plan = plan_addresses("twelve-chars", 254, 1, 2);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_LE(plan->bridge.size(), 15u);
  for (const auto& node : plan->nodes) {
    EXPECT_LE(("vb-" + node.machine).size(), 15u) << node.machine;
  }
}

TEST(AddressPlan, gives_each_network_card_an_address_of_its_own) {
  const AddressPlan plan = plan_addresses("lab", 7, 1, 1).value();
  EXPECT_EQ(mac_of(plan.nodes[0]), "02:68:73:01:07:0b");
  EXPECT_EQ(mac_of(plan.nodes[1]), "02:68:73:01:07:15");
}

TEST(AddressPlan, has_servers_before_agents) {
  const auto plan = plan_addresses("demo", 7, 3, 1);
  ASSERT_TRUE(plan) << plan.error().message();
  ASSERT_EQ(plan->nodes.size(), 4u);
  EXPECT_EQ(plan->nodes[2].name, "cp-3");
  EXPECT_EQ(plan->nodes[2].address, "198.18.7.13");
  EXPECT_EQ(plan->nodes[3].name, "w-1");
}

TEST(AddressPlan, refuses_counts_that_no_lab_has) {
  for (const auto& [servers, agents] :
       {std::pair{0, 0}, std::pair{4, 0}, std::pair{1, -1}, std::pair{1, 3}}) {
    const auto plan = plan_addresses("demo", 7, servers, agents);
    ASSERT_FALSE(plan) << servers << " " << agents;
    EXPECT_EQ(plan.error().code(), ErrorCode::invalid_input);
  }
}

TEST(Subnets, are_read_from_what_ip_prints) {
  EXPECT_THAT(subnets_in("1: lo    inet 127.0.0.1/8 scope host lo\n"
                         "7: hs-a    inet 198.18.3.1/24 scope global hs-a\n"
                         "9: x    inet 198.18.250.9/32 scope global x\n"
                         "9: y    inet 10.198.18.4/32 scope global y\n"),
              testing::ElementsAre(3, 250));
}

TEST(Subnets, are_taken_from_the_lowest_on) {
  EXPECT_EQ(free_subnet({}).value(), 1);
  EXPECT_EQ(free_subnet({1, 2, 4}).value(), 3);
}

TEST(Subnets, run_out_with_a_reason) {
  std::set<int> all;
  for (int subnet = 0; subnet <= 255; ++subnet) {
    all.insert(subnet);
  }
  const auto none = free_subnet(all);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::refused);
  EXPECT_THAT(none.error().message(), HasSubstr("198.18.0.0/16"));
}

}  // namespace
}  // namespace harness::lab
