#include "harness/lab/standin/config.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/json.h"
#include "harness/lab/standin/hooks.h"
#include "harness/lab/standin/machine.h"

namespace harness::standin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::map<std::string, Build> released() {
  const auto text =
      machine::read_file(HOOKSHOT_SOURCE_DIR "/harness/lab/standin/release/versions.json");
  const auto json = parse_json(text.value());
  std::map<std::string, Build> out;
  for (const auto& entry : json.value()["versions"]) {
    const auto build = parse_build(entry.dump());
    EXPECT_TRUE(build) << entry.dump();
    out[entry["version"]] = build.value();
  }
  return out;
}

TEST(Versions, all_parse_and_have_whole_commits) {
  const auto builds = released();
  EXPECT_EQ(builds.size(), 5U);
  for (const auto& [tag, build] : builds) {
    EXPECT_EQ(build.version.tag(), tag);
    EXPECT_THAT(build.commit, testing::MatchesRegex("[0-9a-f]{40}"));
  }
}

TEST(Versions, carry_the_commits_and_etcd_images_of_the_tags) {
  const auto builds = released();
  const std::map<std::string, std::string> commits = {
      {"v1.30.11+rke2r1", "406a7f6db944b045d8d3ba871b2481b2ebb3f68f"},
      {"v1.30.12+rke2r1", "f885aec181ca47674d94d52376438adb504014fe"},
      {"v1.30.13-rc1+rke2r1", "6eda8c10b6c7f899168cf275292f4fafa3f55d36"},
      {"v1.30.13-rc2+rke2r1", "1b9bb73c846d99b395a28b5bc6dd1e6b3c352cb1"},
      {"v1.30.13+rke2r1", "1b9bb73c846d99b395a28b5bc6dd1e6b3c352cb1"}};
  for (const auto& [tag, commit] : commits) {
    EXPECT_EQ(builds.at(tag).commit, commit) << tag;
    EXPECT_EQ(
        builds.at(tag).etcd,
        tag == "v1.30.11+rke2r1" ? "v3.5.19-k3s1-build20250306" : "v3.5.21-k3s1-build20250411");
  }
}

TEST(Versions, etcd_changes_into_1_30_12_and_not_after) {
  const auto builds = released();
  EXPECT_NE(builds.at("v1.30.11+rke2r1").etcd_image(), builds.at("v1.30.12+rke2r1").etcd_image());
  EXPECT_EQ(builds.at("v1.30.12+rke2r1").etcd_image(),
            builds.at("v1.30.13-rc2+rke2r1").etcd_image());
}

TEST(Versions, the_last_candidate_and_its_release_differ_in_the_tag_only) {
  const auto builds = released();
  const Build& candidate = builds.at("v1.30.13-rc2+rke2r1");
  const Build& release = builds.at("v1.30.13+rke2r1");
  EXPECT_EQ(candidate.commit, release.commit);
  EXPECT_EQ(candidate.kubernetes_image(), release.kubernetes_image());
  EXPECT_NE(candidate.runtime_image(), release.runtime_image());
}

TEST(Versions, only_the_fixed_ones_wait_for_static_pods_first) {
  const auto builds = released();
  EXPECT_EQ(builds.at("v1.30.11+rke2r1").readiness, Readiness::slow);
  EXPECT_EQ(builds.at("v1.30.12+rke2r1").readiness, Readiness::readyz);
  EXPECT_EQ(builds.at("v1.30.13-rc1+rke2r1").readiness, Readiness::synced);
  EXPECT_EQ(builds.at("v1.30.12+rke2r1").renewal_days(), 90);
  EXPECT_EQ(builds.at("v1.30.13+rke2r1").renewal_days(), 120);
}

TEST(Versions, the_sync_is_a_hook_until_it_became_the_gate) {
  const auto builds = released();
  Node old;
  old.build = builds.at("v1.30.12+rke2r1");
  Node fixed;
  fixed.build = builds.at("v1.30.13+rke2r1");
  EXPECT_EQ(hook_count(old), hook_count(fixed) + 1);
  fixed.config.profile = "cis";
  EXPECT_EQ(hook_count(fixed), hook_count(old) + 1);
}

TEST(Build, says_that_it_stands_in) {
  const std::string text = version_text(released().at("v1.30.12+rke2r1"));
  EXPECT_THAT(text, testing::StartsWith("rke2 version v1.30.12+rke2r1 (f885aec181ca"));
  EXPECT_THAT(text, HasSubstr("stand-in for rke2"));
}

TEST(Build, refuses_an_unknown_readiness) {
  const auto build = parse_build(
      R"({"version":"v1.30.12+rke2r1","commit":"a","etcd":"b","kubernetes":"c","readiness":"soon"})");
  ASSERT_FALSE(build);
  EXPECT_EQ(build.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(build.error().message(), HasSubstr("'soon'"));
}

TEST(Build, refuses_what_is_missing) {
  EXPECT_THAT(parse_build("{}").error().message(), HasSubstr("version"));
  EXPECT_THAT(parse_build(R"({"version":"v1.30.12+rke2r1"})").error().message(),
              HasSubstr("commit"));
}

TEST(Config, reads_keys_lists_quotes_and_comments) {
  const auto config = parse_config(
      "# lab\n---\ntoken: \"a b\"  \nserver: https://1.2.3.4:9345 # first\nprofile: cis\n"
      "tls-san:\n  - one\n  - 'two'\nnode-ip: [1.2.3.5, fd00::1]\nwrite-kubeconfig-mode: "
      "\"0644\"\n");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->token, "a b");
  EXPECT_EQ(config->server, "https://1.2.3.4:9345");
  EXPECT_TRUE(config->cis());
  EXPECT_THAT(config->tls_san, ElementsAre("one", "two"));
  EXPECT_EQ(config->node_ip, "1.2.3.5");
  EXPECT_EQ(config->write_kubeconfig_mode, "0644");
}

TEST(Config, tells_flags_that_it_does_not_heed_from_keys_that_are_none) {
  const auto config = parse_config(
      "cni: canal\ndebug: true\netcd-extra-env:\n  - A=1\n  - B=2\n"
      "control-plane-resource-requests: [etcd-cpu=1m]\nkubelet-arg: a=b\ndebugg: true\n");
  ASSERT_TRUE(config);
  EXPECT_THAT(
      config->ignored,
      ElementsAre(
          "cni", "debug", "etcd-extra-env", "control-plane-resource-requests", "kubelet-arg"));
  EXPECT_THAT(config->unknown, ElementsAre("debugg"));
}

TEST(Config, takes_no_profile_but_cis) {
  Config config;
  EXPECT_TRUE(check_profile(config));
  config.profile = "cis";
  EXPECT_TRUE(check_profile(config));
  config.profile = "cis-1.6";
  EXPECT_EQ(check_profile(config).error().message(), "invalid value provided for --profile flag");
  config.profile = "cis-1.23";
  EXPECT_THAT(check_profile(config).error().message(), HasSubstr("is deprecated"));
}

TEST(Config, replaces_a_list_of_an_earlier_file) {
  const auto first = parse_config("tls-san:\n  - one\n  - two\n");
  const auto both = parse_config("tls-san: [three]\n", *first);
  ASSERT_TRUE(both);
  EXPECT_THAT(both->tls_san, ElementsAre("three"));
}

TEST(Config, appends_from_a_later_file) {
  const auto first = parse_config("etcd-arg: a=1\n");
  const auto both = parse_config("etcd-arg+: b=2\n", *first);
  ASSERT_TRUE(both);
  EXPECT_THAT(both->etcd_arg, ElementsAre("a=1", "b=2"));
}

TEST(Config, names_the_line_that_is_no_key) {
  const auto config = parse_config("token: x\nnonsense\n");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(config.error().message(), HasSubstr("line 2: 'nonsense'"));
}

}  // namespace
}  // namespace harness::standin
