// What a suite may ask beyond one fault in one start of its own node: another node's window, one
// fault after another, the boot of the operator; and the same shot again.

#include <filesystem>

#include <gmock/gmock.h>

#include "harness/base/json.h"
#include "harness/cli/whole_path_fixture.h"

namespace harness::cli {
namespace {

using testing::HasSubstr;

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

TEST_F(WholePath, marks_a_trial_whose_window_was_stretched_and_counts_it_apart) {
  const Json trial = trial_of("stretched",
                              "paths: [{versions: [v1.30.13-rc2+rke2r1, v1.30.13-rc2+rke2r1]}]\n"
                              "matrix:\n"
                              "  fault: [{kill-pod: {pod: kube-scheduler, how: process}}]\n"
                              "  window: [start-up-hooks]\n"
                              "  offset: [2s]\n"
                              "faults:\n"
                              "  - {fault: {freeze-pod: {pod: kube-apiserver, duration: 4s}}, "
                              "window: start-up-hooks}\n");
  EXPECT_TRUE(json_bool(trial, "stretched")) << trial.dump();
  EXPECT_GT(json_int(trial, "landed_us"), 2'000'000) << "the window alone ends before";
  const Json verdict = verdict_of("stretched");
  int stretched = 0;
  for (const Json& row : verdict["coverage"]) {
    stretched += static_cast<int>(json_int(row, "stretched"));
    EXPECT_EQ(json_int(row, "hits"), 0) << "not among those of the window as it is: " << row;
  }
  EXPECT_EQ(stretched, 1) << verdict["coverage"];
  ASSERT_FALSE(verdict["instants"].empty());
  EXPECT_TRUE(json_bool(verdict["instants"][0], "stretched"));
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
