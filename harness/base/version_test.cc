#include "harness/base/version.h"

#include <gtest/gtest.h>

#include "harness/base/seed.h"

namespace harness {
namespace {

TEST(Version, knows_its_three_spellings) {
  const Version v = *Version::parse("v1.30.13-rc2+rke2r1");
  EXPECT_EQ(v.tag(), "v1.30.13-rc2+rke2r1");
  EXPECT_EQ(v.kubelet_version(), "v1.30.13+rke2r1");
  EXPECT_EQ(v.image_tag(), "v1.30.13-rc2-rke2r1");
}

TEST(Version, sorts_candidates_before_the_release) {
  const auto at = [](const char* tag) { return *Version::parse(tag); };
  EXPECT_LT(at("v1.30.12+rke2r1"), at("v1.30.13-rc1+rke2r1"));
  EXPECT_LT(at("v1.30.13-rc1+rke2r1"), at("v1.30.13-rc2+rke2r1"));
  EXPECT_LT(at("v1.30.13-rc2+rke2r1"), at("v1.30.13+rke2r1"));
  EXPECT_LT(at("v1.30.14+rke2r1"), at("v1.30.14+rke2r4"));
}

TEST(Version, refuses_what_is_not_a_release_tag) {
  for (const char* tag : {"",
                          "1.30.12+rke2r1",
                          "v1.30+rke2r1",
                          "v1.30.12",
                          "v1.30.12+rke2r1 ",
                          "v1.30.12-rc0+rke2r1",
                          "v1.30.12+rke2r1;reboot",
                          "v1.30.12+k3s1"}) {
    const auto result = Version::parse(tag);
    ASSERT_FALSE(result) << tag;
    EXPECT_EQ(result.error().code(), ErrorCode::invalid_input);
  }
}

TEST(Seed, gives_each_purpose_its_own_stable_stream) {
  const Seed seed(42);
  EXPECT_EQ(seed.stream("order")(), Seed(42).stream("order")());
  EXPECT_NE(seed.stream("order")(), seed.stream("offset")());
  EXPECT_NE(seed.stream("order")(), Seed(43).stream("order")());
  EXPECT_EQ(stable_hash("hookshot"), stable_hash(std::string("hook") + "shot"));
}

}  // namespace
}  // namespace harness
