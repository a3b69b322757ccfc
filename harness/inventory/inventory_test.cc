#include "harness/inventory/inventory.h"

#include <gtest/gtest.h>

namespace harness::inventory {
namespace {

constexpr const char* kGood =
    "cluster: lab-a\n"
    "expendable: true\n"
    "ssh: {user: rancher, key: keys/id, known_hosts: lab-a.known_hosts, jump: bastion.lab, become: "
    "sudo}\n"
    "nodes:\n"
    "  - {name: cp-1, address: 192.0.2.11, roles: [server]}\n"
    "  - {name: w-1, address: 192.0.2.21, roles: [agent], port: 2222, user: root}\n"
    "install: {method: tarball, artifacts: /srv/rke2}\n";

std::string error_of(const std::string& text, bool check_files = false) {
  const auto result = parse(text, "inv.yaml", check_files);
  EXPECT_FALSE(result);
  EXPECT_TRUE(result || result.error().code() == ErrorCode::invalid_input);
  return result ? "" : result.error().message();
}

std::string changed(const std::string& from, const std::string& to) {
  std::string text = kGood;
  text.replace(text.find(from), from.size(), to);
  return text;
}

TEST(Inventory, reads_every_key) {
  const auto inventory = parse(kGood, "some/dir/inv.yaml", false);
  ASSERT_TRUE(inventory) << inventory.error().message();
  EXPECT_EQ(inventory->cluster, "lab-a");
  EXPECT_TRUE(inventory->expendable);
  ASSERT_EQ(inventory->nodes.size(), 2U);
  EXPECT_EQ(inventory->nodes[0].ssh.key, "some/dir/keys/id");
  EXPECT_TRUE(inventory->nodes[0].ssh.become_sudo);
  EXPECT_EQ(inventory->nodes[1].ssh.port, 2222);
  EXPECT_EQ(inventory->nodes[1].ssh.user, "root");
  EXPECT_EQ(inventory->data_dir, "/var/lib/rancher/rke2");
}

TEST(Inventory, is_not_expendable_unless_it_says_so) {
  EXPECT_FALSE(parse(changed("expendable: true\n", ""), "inv.yaml", false)->expendable);
}

TEST(Inventory, names_the_place_of_a_duplicate_node) {
  EXPECT_NE(error_of(changed("w-1", "cp-1")).find("inv.yaml:6:5: a node named 'cp-1' comes twice"),
            std::string::npos);
  EXPECT_NE(
      error_of(changed("192.0.2.21, roles: [agent], port: 2222", "192.0.2.11, roles: [agent]"))
          .find("inv.yaml:6:5: two nodes have the address 192.0.2.11 and port 22"),
      std::string::npos);
}

TEST(Inventory, names_the_place_of_unknown_keys_and_wrong_roles) {
  EXPECT_NE(
      error_of(changed("expendable", "expandable"))
          .find("inv.yaml:2:1: inventory has no key 'expandable' (did you mean 'expendable'?)"),
      std::string::npos);
  EXPECT_NE(error_of(changed("[server]", "[master]"))
                .find("inv.yaml:5:46: 'roles' must be [server] or [agent], not [master]"),
            std::string::npos);
  EXPECT_NE(error_of(changed("[server]", "[agent]")).find("no node is a server"),
            std::string::npos);
}

TEST(Inventory, says_which_file_is_missing) {
  EXPECT_NE(error_of(kGood, true).find("inv.yaml:3:27: 'key': there is no file keys/id"),
            std::string::npos);
  EXPECT_NE(error_of(kGood, true)
                .find("inv.yaml:3:49: 'known_hosts': there is no file lab-a.known_hosts"),
            std::string::npos);
  const auto result = load("/nonexistent/inv.yaml");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message().find("/nonexistent/inv.yaml"), std::string::npos);
}

TEST(Inventory, refuses_hostile_texts) {
  for (const char* hostile :
       {"\"$(reboot)\"", "\"a b\"", "\"-oProxyCommand=x\"", "\"a;b\"", "\"a\\nb\""}) {
    EXPECT_NE(error_of(changed("address: 192.0.2.11", std::string("address: ") + hostile))
                  .find("inv.yaml:5:"),
              std::string::npos)
        << hostile;
    EXPECT_NE(
        error_of(changed("user: rancher", std::string("user: ") + hostile)).find("inv.yaml:3:"),
        std::string::npos)
        << hostile;
    EXPECT_NE(
        error_of(changed("cluster: lab-a", std::string("cluster: ") + hostile)).find("inv.yaml:1:"),
        std::string::npos)
        << hostile;
  }
  for (const char* hostile : {"\"$(reboot)\"", "\"a b\"", "\"-x\"", "\"a;b\"", "..", "all"}) {
    EXPECT_NE(error_of(changed("name: w-1", std::string("name: ") + hostile)).find("inv.yaml:6:12"),
              std::string::npos)
        << hostile;
  }
}

TEST(Inventory, refuses_paths_that_hold_control_characters) {
  for (const char* hostile : {"\"a\\nb\"", "\"a\\0b\"", "\"a\\e[2J\""}) {
    EXPECT_NE(error_of(changed("key: keys/id", std::string("key: ") + hostile))
                  .find("inv.yaml:3:27: 'key': a path without control characters"),
              std::string::npos)
        << hostile;
    EXPECT_NE(
        error_of(changed("known_hosts: lab-a.known_hosts", std::string("known_hosts: ") + hostile))
            .find("inv.yaml:3:49: 'known_hosts': a path without control characters"),
        std::string::npos)
        << hostile;
    EXPECT_NE(error_of(changed("artifacts: /srv/rke2", std::string("artifacts: ") + hostile))
                  .find("inv.yaml:7:39: 'artifacts': a path without control characters"),
              std::string::npos)
        << hostile;
    EXPECT_NE(error_of(std::string(kGood) + "power: {off: [ipmitool, " + hostile + "]}\n")
                  .find("inv.yaml:8:25: a word of 'off' must be a text without control"),
              std::string::npos)
        << hostile;
  }
}

TEST(Inventory, keeps_what_a_shell_would_read_as_plain_words) {
  const std::string text = changed("artifacts: /srv/rke2", "artifacts: \"/srv/$(reboot); x\"") +
                           "power: {off: [curl, -d, '{\"ResetType\": \"Off\"}', \"{address}; "
                           "reboot\"], on: [x], state: [x]}\n";
  const auto inventory = parse(text, "inv.yaml", false);
  ASSERT_TRUE(inventory) << inventory.error().message();
  EXPECT_EQ(inventory->install.artifacts, "/srv/$(reboot); x");
  EXPECT_EQ(
      inventory->power->off,
      (std::vector<std::string>{"curl", "-d", "{\"ResetType\": \"Off\"}", "{address}; reboot"}));
}

TEST(Inventory, refuses_power_commands_that_could_not_run) {
  const auto refused = [](const std::string& power) {
    return error_of(std::string(kGood) + "power: " + power + "\n");
  };
  EXPECT_NE(refused("{off: [ipmitool, \"{adress}\"]}")
                .find("inv.yaml:8:25: 'off': {adress} is not filled in; {address} and {name} are"),
            std::string::npos);
  EXPECT_NE(refused("{off: []}").find("inv.yaml:8:14: 'off' must not be empty"), std::string::npos);
  EXPECT_NE(refused("{off: [x], on: [x]}").find("inv.yaml:8:8: 'power' needs the key 'state'"),
            std::string::npos);
  EXPECT_NE(refused("{off: ipmitool}").find("inv.yaml:8:14: 'off' must be a list"),
            std::string::npos);
}

// What the guard would refuse on the node is refused here, before anything is touched.
TEST(Inventory, holds_cluster_and_data_dir_to_the_guards_rule) {
  for (const std::string& name : {std::string(65, 'a'), std::string(".lab")}) {
    EXPECT_NE(error_of(changed("cluster: lab-a", "cluster: " + name))
                  .find("inv.yaml:1:10: 'cluster': at most 64 letters"),
              std::string::npos)
        << name;
  }
  EXPECT_TRUE(parse(changed("lab-a", std::string(64, 'a')), "inv.yaml", false));
  for (const char* path :
       {"/var/../etc", "/var//lib", "\"/var\\n/lib\"", "var/lib", "/var/..", "\"\""}) {
    EXPECT_NE(error_of(std::string(kGood) + "data_dir: " + path + "\n")
                  .find("inv.yaml:8:11: 'data_dir' must be a plain absolute path"),
              std::string::npos)
        << path;
  }
  EXPECT_TRUE(parse(std::string(kGood) + "data_dir: /data/rke2..old\n", "inv.yaml", false));
}

TEST(Inventory, says_which_conditions_hold_on_which_node) {
  const auto inventory = parse(changed("port: 2222,", "conditions: [air-gap images], port: 2222,") +
                                   "conditions: [\"profile: cis\"]\n",
                               "inv.yaml",
                               false);
  ASSERT_TRUE(inventory) << inventory.error().message();
  const auto first = inventory->conditions_of(inventory->nodes[0]);
  EXPECT_TRUE(first.contains("profile: cis") && first.contains("first server"));
  EXPECT_EQ(first.size(), 2U);
  const auto agent = inventory->conditions_of(inventory->nodes[1]);
  EXPECT_TRUE(agent.contains("profile: cis") && agent.contains("air-gap images"));
  EXPECT_EQ(agent.size(), 2U);
  const auto two = parse(changed("[agent]", "[server]"), "inv.yaml", false);
  EXPECT_TRUE(two->conditions_of(two->nodes[1]).contains("joining server"));
}

TEST(Inventory, names_the_place_of_an_unknown_condition) {
  const auto refused = [](const std::string& condition) {
    return error_of(std::string(kGood) + "conditions: [" + condition + "]\n");
  };
  EXPECT_NE(refused("air-gap image")
                .find("inv.yaml:8:14: there is no condition 'air-gap image' "
                      "(did you mean 'air-gap images'?)"),
            std::string::npos);
  EXPECT_NE(refused("profile: cis").find("inv.yaml:8:14: a condition is one text, in quotes"),
            std::string::npos);
  EXPECT_NE(refused("first server").find("inv.yaml:8:14: 'first server' follows from the order"),
            std::string::npos);
}

}  // namespace
}  // namespace harness::inventory
