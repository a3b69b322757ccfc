#include "harness/base/names.h"

#include <string>

#include <gtest/gtest.h>

namespace harness {
namespace {

TEST(ClusterName, is_short_and_begins_with_a_letter_or_digit) {
  for (const std::string& good :
       {std::string("lab-a"), std::string("A.b_c-9"), std::string(64, 'a')}) {
    EXPECT_TRUE(is_cluster_name(good)) << good;
  }
  for (const std::string& bad : {std::string(),
                                 std::string(65, 'a'),
                                 std::string(".lab"),
                                 std::string("-lab"),
                                 std::string("l b"),
                                 std::string("l\nb"),
                                 std::string("l\0b", 3),
                                 std::string("läb"),
                                 std::string("$(reboot)")}) {
    EXPECT_FALSE(is_cluster_name(bad)) << bad;
  }
}

TEST(PlainPath, is_absolute_and_has_no_component_to_resolve) {
  for (const std::string& good :
       {std::string("/"), std::string("/var/lib/x y"), std::string("/a/...")}) {
    EXPECT_TRUE(is_plain_path(good)) << good;
  }
  for (const std::string& bad : {std::string(),
                                 std::string("var"),
                                 std::string("/var//lib"),
                                 std::string("/var/../etc"),
                                 std::string("/var/.."),
                                 std::string("/var/./lib"),
                                 std::string("/var/."),
                                 std::string("/var\n"),
                                 std::string("/v\0r", 4),
                                 "/" + std::string(1024, 'a')}) {
    EXPECT_FALSE(is_plain_path(bad)) << bad;
  }
}

TEST(IpAddress, has_one_form_and_nothing_beside_it) {
  EXPECT_EQ(ip_address_of("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(ip_address_of("2001:DB8:0:0::7"), "2001:db8::7");
  for (const char* text : {"", "192.0.2", "192.0.2.7/24", "192.0.2.7 ", "fe80::1%eth0", "[::1]"}) {
    EXPECT_EQ(ip_address_of(text), "") << text;
  }
  EXPECT_EQ(ip_address_of(std::string("192.0.2.7\0;", 11)), "");
}

TEST(HostPort, is_a_name_or_an_address_and_perhaps_a_port) {
  const auto read = [](std::string_view text) {
    const auto found = host_port_of(text);
    return found ? found->host + " " + std::to_string(found->port) : "none";
  };
  EXPECT_EQ(read("docker.io"), "docker.io 0");
  EXPECT_EQ(read("r-1.example:5000"), "r-1.example 5000");
  EXPECT_EQ(read("192.0.2.7:443"), "192.0.2.7 443");
  EXPECT_EQ(read("2001:db8::7"), "2001:db8::7 0");
  EXPECT_EQ(read("[2001:db8::7]:443"), "2001:db8::7 443");
  for (const char* text : {"",
                           "-x",
                           "A.io",
                           "a..b",
                           "a b",
                           "a:",
                           "a:0",
                           "a:65536",
                           "a:+1",
                           "1.2.3",
                           "a/b",
                           "[192.0.2.7]:1",
                           "[::1",
                           "::1]:1",
                           "a_b"}) {
    EXPECT_EQ(read(text), "none") << text;
  }
}

}  // namespace
}  // namespace harness
