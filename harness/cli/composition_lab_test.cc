// What a suite may ask beyond one fault in one start of its own node: another node's window, one
// fault after another, the boot of the operator; and the same shot again.

#include <fstream>

#include <gmock/gmock.h>

#include "harness/base/json.h"
#include "harness/cli/whole_path_fixture.h"

namespace harness::cli {
namespace {

using testing::HasSubstr;

// The only case of a run that passed, by its last trial.
Json last_trial(const std::string& results) {
  const Json verdict =
      parse_json(read(directory() / results / "latest/verdict.json")).value_or(Json());
  EXPECT_EQ(json_string(verdict, "verdict"), "pass") << verdict.dump();
  const Json cases = verdict.value("cases", Json::array());
  EXPECT_EQ(cases.size(), 1U);
  return cases.empty() ? Json::object() : cases.back()["trials"].back();
}

// Plays a suite of that name, whose results have it, too; its last trial, which hit.
Json trial_of(const std::string& name, const std::string& rest) {
  EXPECT_EQ(hookshot({"allow", "-i", inventory()}).exit_status, 0);
  const std::string suite = (directory() / (name + ".yaml")).string();
  std::ofstream(suite) << "suite: " << name << "\nquestion: Is it proved on nodes?\n" << rest;
  const auto run =
      hookshot({"run", suite, "-i", inventory(), "--results", (directory() / name).string()},
               std::chrono::minutes(12));
  EXPECT_EQ(run.exit_status, 0) << run.out << run.err;
  Json trial = last_trial(name);
  EXPECT_TRUE(json_bool(trial, "hit")) << trial.dump();
  return trial;
}

TEST_F(WholePath, hurts_one_node_while_another_is_in_its_window) {
  const Json trial =
      trial_of("while",
               "paths: [{versions: [v1.30.12+rke2r1, v1.30.13-rc2+rke2r1]}]\n"
               "matrix: {fault: [kill-kubelet], window: [start-up-hooks], while: first-server, "
               "offset: [200ms], target: [w-1]}\n");
  EXPECT_EQ(json_string(trial, "while"), "cp-1");
  EXPECT_EQ(json_string(trial, "target"), "w-1");
  EXPECT_GT(json_int(trial, "landed_error_us"), 0) << "two clocks leave a doubt";
}

TEST_F(WholePath, hurts_one_pod_after_another_in_one_start) {
  const Json trial =
      trial_of("in-turn",
               "paths: [{versions: [v1.30.12+rke2r1, v1.30.13-rc2+rke2r1]}]\n"
               "matrix: {fault: [{kill-pod: {pod: etcd}}], window: [static-pod-sync]}\n"
               "faults:\n"
               "  - {fault: {kill-pod: {pod: kube-apiserver}}, window: start-up-hooks, "
               "after: previous}\n");
  const Json companions = trial.value("companions", Json::array());
  ASSERT_EQ(companions.size(), 1U);
  EXPECT_TRUE(json_bool(companions[0], "hit")) << trial.dump();
}

TEST_F(WholePath, hits_a_window_of_the_next_boot_and_learns_its_length) {
  const std::string paths =
      "paths: [{versions: [v1.30.13-rc2+rke2r1, v1.30.13-rc2+rke2r1], restart: reboot}]\n";
  const Json trial = trial_of("boot",
                              paths +
                                  "matrix: {fault: [{kill-pod: {pod: kube-apiserver}}], "
                                  "window: [start-up-hooks]}\nbudget: {apiserver_outage: 240s}\n");
  EXPECT_EQ(json_string(trial, "restart"), "reboot");
  const std::string events = read(directory() / "boot/latest/events.jsonl");
  EXPECT_THAT(events, HasSubstr("\"job_result\":\"rebooted\""));
  trial_of("quiet", paths);
  const auto learned = hookshot(
      {"windows", "learn", "-i", inventory(), "--run", (directory() / "quiet/latest").string()});
  EXPECT_EQ(learned.exit_status, 0) << learned.err;
  EXPECT_THAT(learned.out, HasSubstr("v1.30.13-rc2+rke2r1 to v1.30.13-rc2+rke2r1 by reboot"));
}

TEST_F(WholePath, shoots_a_trial_again_and_says_how_far_it_landed_from_the_first) {
  const auto boot = directory() / "boot/latest";
  if (!std::filesystem::exists(boot / "verdict.json")) {
    GTEST_SKIP() << "the trial to shoot again did not run";
  }
  const Json first = last_trial("boot");
  const auto run = hookshot({"run",
                             "--replay",
                             boot.string(),
                             "-i",
                             inventory(),
                             "--results",
                             (directory() / "again").string()},
                            std::chrono::minutes(12));
  ASSERT_EQ(run.exit_status, 0) << run.out << run.err;
  const Json again = last_trial("again");
  EXPECT_TRUE(json_bool(again, "hit")) << again.dump();
  ASSERT_TRUE(again.contains("original_us") && first.contains("landed_us"));
  EXPECT_EQ(again["original_us"], first["landed_us"]);
  EXPECT_THAT(json_string(again, "replays"), HasSubstr(":1"));
}

}  // namespace
}  // namespace harness::cli
