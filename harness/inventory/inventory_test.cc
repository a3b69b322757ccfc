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
          .find("two nodes have the address"),
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
  EXPECT_NE(error_of(kGood, true).find("'key': there is no file keys/id"), std::string::npos);
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
  EXPECT_NE(error_of(std::string(kGood) + "data_dir: /var/../etc\n").find("plain absolute path"),
            std::string::npos);
}

}  // namespace
}  // namespace harness::inventory
