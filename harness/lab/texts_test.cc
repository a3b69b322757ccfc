#include "harness/lab/texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/inventory/inventory.h"
#include "harness/lab/address_plan.h"
#include "harness/lab/shell.h"

namespace harness::lab {
namespace {

using testing::HasSubstr;
using testing::Not;

Record sample() {
  Record record;
  record.name = "lab";
  record.token = "secret";
  record.version = "v1.30.12+rke2r1";
  record.plan = plan_addresses("lab", 9, 1, 1).value();
  record.artifacts = "/a \"quoted\" folder";
  return record;
}

TEST(LabInventory, is_one_that_hookshot_reads) {
  const auto read = inventory::parse(inventory_text(sample()), "lab.yaml", false);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->cluster, "lab");
  EXPECT_TRUE(read->expendable);
  EXPECT_EQ(read->install.artifacts, "/a \"quoted\" folder");
  ASSERT_EQ(read->nodes.size(), 2u);
  EXPECT_TRUE(read->nodes[0].server);
  EXPECT_EQ(read->nodes[0].address, "198.18.9.11");
  EXPECT_EQ(read->nodes[0].ssh.user, "rancher");
  EXPECT_TRUE(read->nodes[0].ssh.become_sudo);
  EXPECT_FALSE(read->nodes[1].server);
}

TEST(LabInventory, cuts_power_by_the_program_that_raised_it) {
  EXPECT_FALSE(inventory::parse(inventory_text(sample()), "lab.yaml", false)->power.has_value());
  const auto read =
      inventory::parse(inventory_text(sample(), "/a folder/hookshot"), "lab.yaml", false);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_THAT(
      read->power->off,
      testing::ElementsAre("/a folder/hookshot", "lab", "power", "--name", "lab", "off", "{name}"));
  EXPECT_EQ(read->power->on.at(5), "on");
  EXPECT_EQ(read->power->state.at(5), "state");
}

TEST(LabInventory, of_bare_nodes_installs_nothing) {
  Record record = sample();
  record.artifacts.clear();
  const std::string text = inventory_text(record);
  EXPECT_THAT(text, Not(HasSubstr("install")));
  EXPECT_TRUE(inventory::parse(text, "lab.yaml", false));
}

TEST(NodeConfig, lets_agents_join_the_first_server) {
  const Record record = sample();
  EXPECT_THAT(rke2_config_text(record, record.plan.nodes[0]), Not(HasSubstr("server:")));
  const std::string agent = rke2_config_text(record, record.plan.nodes[1]);
  EXPECT_THAT(agent, HasSubstr("server: https://198.18.9.11:9345\n"));
  EXPECT_THAT(agent, HasSubstr("token: secret\n"));
  EXPECT_THAT(agent, HasSubstr("node-name: w-1\n"));
}

TEST(NodeConfig, lets_further_servers_join_the_first) {
  Record record = sample();
  record.plan = plan_addresses("demo", 9, 3, 0).value();
  EXPECT_THAT(rke2_config_text(record, record.plan.nodes[0]), Not(HasSubstr("server:")));
  for (const int later : {1, 2}) {
    EXPECT_THAT(rke2_config_text(record, record.plan.nodes[later]),
                HasSubstr("server: https://198.18.9.11:9345\n"));
  }
}

TEST(NodeConfig, asks_for_the_hardened_profile_when_told) {
  Record record = sample();
  EXPECT_THAT(rke2_config_text(record, record.plan.nodes[0]), Not(HasSubstr("profile")));
  record.cis = true;
  EXPECT_THAT(rke2_config_text(record, record.plan.nodes[0]), HasSubstr("profile: cis\n"));
}

TEST(NodeFiles, know_every_node_of_the_lab) {
  const std::string hosts = hosts_text(sample().plan);
  EXPECT_THAT(hosts, HasSubstr("198.18.9.11 cp-1\n"));
  EXPECT_THAT(hosts, HasSubstr("198.18.9.21 w-1\n"));
}

TEST(NodeFiles, give_the_node_its_own_address_before_the_network_is_up) {
  const Record record = sample();
  const std::string unit = node_unit_text(record.plan, record.plan.nodes[1]);
  EXPECT_THAT(unit, HasSubstr("198.18.9.21/24"));
  EXPECT_THAT(unit, HasSubstr("Before=network-pre.target"));
}

TEST(NodeFiles, name_the_link_that_a_virtual_machine_has_and_touch_no_control_group) {
  const Record record = sample();
  PlannedNode node = record.plan.nodes[0];
  EXPECT_THAT(node_unit_text(record.plan, node), HasSubstr("198.18.9.11/24 dev host0\n"));
  EXPECT_THAT(node_unit_text(record.plan, node), HasSubstr("cgroup"));
  node.vm = true;
  EXPECT_THAT(node_unit_text(record.plan, node), HasSubstr("198.18.9.11/24 dev eth0\n"));
  EXPECT_THAT(node_unit_text(record.plan, node), HasSubstr("default via 198.18.9.254\n"));
  EXPECT_THAT(node_unit_text(record.plan, node), Not(HasSubstr("cgroup")));
}

TEST(KnownHosts, pin_the_address_to_the_key_without_its_comment) {
  const Record record = sample();
  EXPECT_EQ(known_hosts_line(record.plan.nodes[0], "ssh-ed25519 AAAA root@host\n"),
            "198.18.9.11 ssh-ed25519 AAAA\n");
  EXPECT_EQ(known_hosts_line(record.plan.nodes[0], "ssh-ed25519 AAAA\n"),
            "198.18.9.11 ssh-ed25519 AAAA\n");
}

TEST(SshWords, reach_the_node_as_they_were) {
  EXPECT_EQ(quote_words({"cat", "/a-b_c.d"}), "cat /a-b_c.d");
  EXPECT_EQ(quote_words({"echo", "a b", "$(x)", "it's", ""}), "echo 'a b' '$(x)' 'it'\\''s' ''");
}

TEST(SshWords, use_nothing_of_the_users_own) {
  const Record record = sample();
  const auto argv = ssh_argv("lab", record.plan.nodes[0], {"true"});
  EXPECT_THAT(argv, testing::Contains("StrictHostKeyChecking=yes"));
  EXPECT_THAT(argv, testing::Contains("IdentitiesOnly=yes"));
  EXPECT_THAT(argv, testing::Contains("/dev/null"));
  EXPECT_EQ(argv.back(), "true");
  EXPECT_THAT(argv, testing::Contains("ConnectTimeout=1"));
}

TEST(SshWords, wait_for_an_emulated_processor) {
  const Record record = sample();
  PlannedNode node = record.plan.nodes[0];
  node.vm = true;
  EXPECT_THAT(ssh_argv("lab", node, {"true"}), testing::Contains("ConnectTimeout=20"));
}

}  // namespace
}  // namespace harness::lab
