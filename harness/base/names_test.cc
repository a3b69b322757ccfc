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

}  // namespace
}  // namespace harness
