// What a suite may ask beyond one fault in one start of its own node: another node's window, one
// fault after another, the boot of the operator; and the same shot again.

#include <cmath>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "harness/base/json.h"
#include "harness/cli/whole_path_fixture.h"

namespace harness::cli {
namespace {

using testing::HasSubstr;

// The only case of a run that passed, by its last trial.
Json last_trial(const std::string& results) {
  const Json verdict = verdict_of(results);
  EXPECT_EQ(json_string(verdict, "verdict"), "pass") << verdict.dump();
  const Json cases = verdict.value("cases", Json::array());
  EXPECT_EQ(cases.size(), 1U);
  return cases.empty() ? Json::object() : cases.back()["trials"].back();
}

// The last trial, which hit, of a suite that is played.
Json trial_of(const std::string& name, const std::string& rest) {
  const auto run = play(name, rest);
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

// Restarts of 1.30.12 wait for no pod, and so a trial lasts half a minute.
TEST_F(WholePath, sweeps_a_window_by_halves_and_draws_its_map) {
  const std::string paths = "paths: [{versions: [v1.30.12+rke2r1, v1.30.12+rke2r1]}]\n";
  trial_of("restarts", paths);
  const auto learned = hookshot(
      {"windows", "learn", "-i", inventory(), "--run", (directory() / "restarts/latest").string()});
  ASSERT_EQ(learned.exit_status, 0) << learned.err;
  trial_of("swept",
           paths +
               "matrix:\n"
               "  fault: [{kill-pod: {pod: kube-scheduler, how: process}}]\n"
               "  window: [start-up-hooks]\n"
               "  offset: [{sweep: {resolution: 20ms, count: 3, around: false}}]\n");
  const Json verdict = verdict_of("swept");
  const Json& trials = verdict["cases"][0]["trials"];
  ASSERT_EQ(trials.size(), 3U) << verdict.dump();
  const double length = static_cast<double>(json_int(trials[0], "learned_us"));
  ASSERT_GT(length, 0);
  std::vector<double> aimed;
  for (const Json& trial : trials) {
    aimed.push_back(static_cast<double>(json_int(trial, "planned_us", -1)) / length);
  }
  EXPECT_EQ(aimed[0], 0) << "the opening first";
  EXPECT_NEAR(aimed[1], 0.5, 0.15) << "then the middle";
  EXPECT_GT(std::abs(aimed[2] - aimed[1]), 0.1) << "then the middle of a half";
  ASSERT_EQ(verdict["instants"].size(), 1U);
  const Json& map = verdict["instants"][0];
  EXPECT_EQ(json_string(map, "window"), "start-up-hooks");
  int drawn = 0;
  for (const Json& bucket : map["inside"]) {
    drawn += static_cast<int>(json_int(bucket, "hits") + json_int(bucket, "misses"));
  }
  EXPECT_EQ(drawn, 3) << map.dump();
  EXPECT_THAT(read(directory() / "swept/latest/report.md"),
              HasSubstr(" in start-up-hooks on cp-1"));
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

// A frozen apiserver is away for longer than this budget lets it; that a scheduler dies beside it
// has no part in that.
TEST_F(WholePath, shrinks_a_failing_case_to_the_fault_that_it_needs) {
  const auto failing = play("failing",
                            "paths: [{versions: [v1.30.12+rke2r1, v1.30.12+rke2r1]}]\n"
                            "matrix:\n"
                            "  fault: [{kill-pod: {pod: kube-scheduler, how: process}}]\n"
                            "  window: [start-up-hooks]\n"
                            "faults:\n"
                            "  - {fault: {freeze-pod: {pod: kube-apiserver, duration: 20s}}, "
                            "window: start-up-hooks}\n"
                            "budget: {apiserver_outage: 5s}\n");
  ASSERT_EQ(failing.exit_status, 1) << failing.out << failing.err;
  const std::string name = json_string(verdict_of("failing")["cases"][0], "name");
  const auto shrunk = hookshot({"shrink",
                                (directory() / "failing/latest").string() + ":" + name,
                                "--confirm",
                                "1/1",
                                "-i",
                                inventory(),
                                "--results",
                                (directory() / "shrunk").string()},
                               std::chrono::minutes(12));
  ASSERT_EQ(shrunk.exit_status, 0) << shrunk.out << shrunk.err;
  const auto smallest = directory() / "shrunk/latest/smallest.yaml";
  EXPECT_THAT(read(smallest), HasSubstr("freeze-pod"));
  EXPECT_THAT(read(smallest), testing::Not(HasSubstr("kill-pod")));
  EXPECT_THAT(shrunk.out, HasSubstr("hookshot run "));
  const auto again = run_suite(smallest.string(), "last");
  EXPECT_EQ(again.exit_status, 1) << "the suite that was printed fails, too: " << again.out;
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
