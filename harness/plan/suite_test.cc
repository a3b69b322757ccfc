#include "harness/plan/suite.h"

#include <string>

#include <gtest/gtest.h>

#include "harness/plan/sample_plan.h"

namespace harness::plan {
namespace {

std::string error_of(std::string text, const std::string& from, const std::string& to) {
  text = changed(std::move(text), from, to);
  const auto result = parse_suite(text, "s.yaml", catalogue());
  EXPECT_FALSE(result) << text;
  EXPECT_TRUE(result || result.error().code() == ErrorCode::invalid_input);
  return result ? "" : result.error().message();
}

TEST(Suite, names_the_place_of_every_mistake) {
  EXPECT_NE(error_of(kSuite, "question", "qestion")
                .find("s.yaml:2:1: suite has no key 'qestion' (did you mean 'question'?)"),
            std::string::npos);
  EXPECT_NE(error_of(kSuite, "v1.30.13-rc2+rke2r1", "v1.30.13-rc2")
                .find("s.yaml:4:34: 'v1.30.13-rc2' is not an RKE2 version"),
            std::string::npos);
  EXPECT_NE(error_of(kSuite, "kill-pod", "kill-pid")
                .find("s.yaml:6:18: there is no fault 'kill-pid' (did you mean 'kill-pod'?)"),
            std::string::npos);
  EXPECT_NE(error_of(kSuite, "pod: etcd", "pot: etcd")
                .find("s.yaml:6:18: fault kill-pod has no parameter 'pot'"),
            std::string::npos);
  EXPECT_NE(error_of(kSuite, "500ms", "soon").find("s.yaml:8:16: offset 'soon' is no offset"),
            std::string::npos);
  EXPECT_NE(
      error_of(kSuite, "[each-server]", "{a: b}").find("s.yaml:9:11: 'target' must be a list"),
      std::string::npos);
}

// A scalar in place of the parameters used to be passed over: {reboot: hard} rebooted gracefully.
TEST(Suite, takes_only_a_mapping_for_a_faults_parameters) {
  for (const char* params : {"hard", "[how, hard]", "\"\""}) {
    EXPECT_NE(error_of(kSuite, "{kill-pod: {pod: etcd}}", std::string("{reboot: ") + params + "}")
                  .find("s.yaml:6:26: parameters of 'reboot' must be a mapping"),
              std::string::npos)
        << params;
  }
  for (const char* params : {"{}", "", "~"}) {
    const auto suite = parse_suite(
        changed(kSuite, "{kill-pod: {pod: etcd}}", std::string("{reboot: ") + params + "}"),
        "s.yaml",
        catalogue());
    ASSERT_TRUE(suite) << suite.error().message();
    EXPECT_TRUE(suite->faults[1].params.empty());
  }
}

TEST(Suite, refuses_more_hits_than_its_trials_can_bring) {
  const auto refused = [](const std::string& offsets, const std::string& keys) {
    const auto suite =
        parse_suite(changed(kSuite, "[0%, 500ms]", offsets) + keys, "s.yaml", catalogue());
    return suite ? "" : suite.error().message();
  };
  const std::string swept = "[0s, {sweep: {count: 20}}]";
  EXPECT_EQ(refused(swept, "hits: 40\nattempts: 90\n"),
            "suite: s.yaml:10:7: 'hits' (40) cannot be reached by the sweep at 8:16, which ends "
            "after 20 trials: lower it, or raise the sweep's 'count'");
  EXPECT_EQ(refused(swept, "hits: 20\nattempts: 90\n"), "");
  EXPECT_EQ(refused("[{sweep: {time: 2h}}]", "hits: 40\nattempts: 90\n"), "")
      << "how many trials that will be is not known yet";
  EXPECT_EQ(refused("[0s]", "hits: 6\n"),
            "suite: s.yaml:10:7: 'attempts' (5) must be at least 'hits' (6)");
  EXPECT_EQ(refused("[0s]", "hits: 6\nattempts: 4\n"),
            "suite: s.yaml:11:11: 'attempts' (4) must be at least 'hits' (6)");
}

std::string with_path(const std::string& keys) {
  return changed(kSuite, "v1.30.13-rc2+rke2r1]}", "v1.30.13-rc2+rke2r1], " + keys + "}");
}

TEST(Suite, keeps_why_a_path_must_fail) {
  const auto suite = parse_suite(with_path("expect: fail, issue: rancher/rke2#8269, fatal: "
                                           "\"runtimes: *\", because: [restarts-explained, "
                                           "journal-clean]"),
                                 "s.yaml",
                                 catalogue());
  ASSERT_TRUE(suite) << suite.error().message();
  const Path& path = suite->paths[0];
  EXPECT_EQ(path.because, (std::vector<std::string>{"restarts-explained", "journal-clean"}));
  EXPECT_EQ(path.fatal, "runtimes: *");
  const auto plan = make({*suite}, lab(), packs(), {});
  ASSERT_TRUE(plan) << plan.error().message();
  const Json json = plan->cases[0].to_json();
  EXPECT_EQ(json["because"], Json({"restarts-explained", "journal-clean"}));
  EXPECT_EQ(json["fatal"], "runtimes: *");
}

TEST(Suite, refuses_a_path_that_may_fail_for_any_reason) {
  const auto refused = [](const std::string& keys) {
    const auto suite = parse_suite(with_path(keys), "s.yaml", catalogue());
    EXPECT_FALSE(suite) << keys;
    return suite ? "" : suite.error().message();
  };
  EXPECT_NE(refused("expect: fail, issue: x")
                .find("s.yaml:4:5: a path that is expected to fail "
                      "needs the key 'because'"),
            std::string::npos);
  EXPECT_NE(refused("expect: fail, because: [nodes-ready]")
                .find("s.yaml:4:5: a path that is "
                      "expected to fail needs the key "
                      "'issue'"),
            std::string::npos);
  EXPECT_NE(refused("expect: fail, issue: x, because: [journal-clear]")
                .find("s.yaml:4:90: there is no check 'journal-clear' (did you mean "
                      "'journal-clean'?); there are journal-clean, nodes-ready"),
            std::string::npos);
  EXPECT_NE(refused("expect: fail, issue: x, because: []").find("'because' must not be empty"),
            std::string::npos);
  EXPECT_NE(refused("because: [nodes-ready]").find("s.yaml:4:65: 'because' goes with expect: fail"),
            std::string::npos);
}

}  // namespace
}  // namespace harness::plan
