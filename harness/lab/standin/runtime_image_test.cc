#include "harness/lab/standin/runtime_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/lab/standin/child.h"

namespace harness::standin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kManifest =
    R"([{"RepoTags":["docker.io/rancher/rke2-runtime:v1.30.12-rke2r1"],"Layers":["a/layer.tar","b/layer.tar"]},)"
    R"({"RepoTags":["docker.io/rancher/mirrored-pause:3.6"],"Layers":["c/layer.tar"]}])";

TEST(RuntimeImage, is_found_in_an_archive_by_its_full_reference) {
  const auto layers = layers_of(kManifest, "index.docker.io/rancher/rke2-runtime:v1.30.12-rke2r1");
  ASSERT_TRUE(layers);
  EXPECT_THAT(*layers, ElementsAre("a/layer.tar", "b/layer.tar"));
}

TEST(RuntimeImage, is_not_found_under_another_tag) {
  EXPECT_THAT(*layers_of(kManifest, "index.docker.io/rancher/rke2-runtime:v1.30.13-rke2r1"),
              IsEmpty());
}

TEST(RuntimeImage, says_that_a_manifest_cannot_be_read) {
  const auto layers = layers_of("[", "x");
  ASSERT_FALSE(layers);
  EXPECT_THAT(layers.error().message(), testing::StartsWith("manifest.json"));
}

TEST(RuntimeImage, has_a_directory_of_tag_and_twelve_hex_digits) {
  EXPECT_THAT(runtime_directory_name("index.docker.io/rancher/rke2-runtime:v1.30.12-rke2r1"),
              testing::MatchesRegex("v1.30.12-rke2r1-[0-9a-f]{12}"));
}

TEST(Archive, lists_all_its_references) {
  EXPECT_EQ(references_in(kManifest).size(), 2U);
  EXPECT_THAT(references_in("nonsense"), IsEmpty());
}

TEST(Child, ends_are_told_in_the_words_of_the_product) {
  EXPECT_EQ(run({{"true"}, {}, {}}), "");
  EXPECT_EQ(run({{"sh", "-c", "exit 3"}, {}, {}}), "exit status 3");
  EXPECT_EQ(run({{"sh", "-c", "kill -9 $$"}, {}, {}}), "signal: killed");
}

TEST(Child, output_is_captured_and_piped) {
  EXPECT_EQ(capture({{"echo", "hello"}, {}, {}}).value(), "hello\n");
  EXPECT_EQ(capture_from({{"echo", "hello"}, {}, {}}, {{"tr", "a-z", "A-Z"}, {}, {}}).value(),
            "HELLO\n");
}

TEST(Child, failure_carries_its_last_words) {
  const auto result = capture({{"sh", "-c", "echo no such thing; exit 1"}, {}, {}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::internal);
  EXPECT_THAT(result.error().message(), testing::HasSubstr("no such thing"));
}

}  // namespace
}  // namespace harness::standin
