#include "harness/lab/standin/agent_start.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/lab/standin/containerd.h"
#include "harness/lab/standin/runtime_image.h"

namespace harness::standin {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Heed, warns_of_what_it_does_not_do_and_calls_no_flag_unknown) {
  Config config;
  config.ignored = {"cni"};
  config.unknown = {"cnii"};
  testing::internal::CaptureStdout();
  ASSERT_TRUE(heed_config(config));
  const std::string said = testing::internal::GetCapturedStdout();
  EXPECT_THAT(said, HasSubstr("not running in CIS mode"));
  EXPECT_THAT(said, HasSubstr("does not heed --cni\""));
  EXPECT_THAT(said, HasSubstr("Unknown flag --cnii found"));
  EXPECT_THAT(said, Not(HasSubstr("Unknown flag --cni ")));
}

TEST(Heed, refuses_another_profile) {
  Config config;
  config.profile = "hardened";
  EXPECT_EQ(heed_config(config).error().message(), "invalid value provided for --profile flag");
}

TEST(Containerd, is_started_as_the_log_says) {
  EXPECT_THAT(containerd_argv({}),
              ElementsAre("containerd",
                          "-c",
                          "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
                          "-a",
                          "/run/k3s/containerd/containerd.sock",
                          "--state",
                          "/run/k3s/containerd",
                          "--root",
                          "/var/lib/rancher/rke2/agent/containerd"));
}

TEST(StageRuntime, without_an_image_fails_in_the_products_words_and_claims_no_pull) {
  std::string name = (fs::temp_directory_path() / "stage-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  Node node;
  node.paths.data = name;
  node.build.version = Version::parse("v1.30.12+rke2r1").value();
  testing::internal::CaptureStdout();
  const Status staged = stage_runtime(node);
  const std::string said = testing::internal::GetCapturedStdout();
  fs::remove_all(name);
  ASSERT_FALSE(staged);
  EXPECT_THAT(staged.error().message(), testing::StartsWith("failed to get runtime image "));
  EXPECT_THAT(said, HasSubstr("Checking local image archives in"));
  EXPECT_THAT(said, Not(HasSubstr("Pulling")));
}

}  // namespace
}  // namespace harness::standin
