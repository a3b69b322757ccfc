// What a suite may ask beyond one fault in one start of its own node: another node's window, one
// fault after another, the boot of the operator; and the same shot again.

#include <fstream>

#include <gmock/gmock.h>

#include "harness/base/json.h"
#include "harness/cli/whole_path_fixture.h"

namespace harness::cli {
namespace {

using testing::HasSubstr;

// The only case of a run, by its last trial.
Json last_trial(const std::string& results) {
  const Json verdict =
      parse_json(read(directory() / results / "latest/verdict.json")).value_or(Json());
  EXPECT_EQ(json_string(verdict, "verdict"), "pass") << verdict.dump();
  const Json cases = verdict.value("cases", Json::array());
  EXPECT_EQ(cases.size(), 1U);
  return cases.empty() ? Json() : cases.back()["trials"].back();
}

exec::CommandResult run_suite(const std::string& suite,
                              const std::string& results,
                              const std::vector<std::string>& more = {}) {
  EXPECT_EQ(hookshot({"allow", "-i", inventory()}).exit_status, 0);
  std::vector<std::string> words = {
      "run", suite, "-i", inventory(), "--results", (directory() / results).string()};
  words.insert(words.end(), more.begin(), more.end());
  return hookshot(words, std::chrono::minutes(12));
}

std::string written(const std::string& name, const std::string& rest) {
  const auto path = directory() / (name + ".yaml");
  std::ofstream(path) << "suite: " << name << "\nquestion: Is it proved on nodes?\n" << rest;
  return path.string();
}

TEST_F(WholePath, hurts_one_node_while_another_is_in_its_window) {
  const auto run = run_suite(
      written("while",
              "paths: [{versions: [v1.30.12+rke2r1, v1.30.13-rc2+rke2r1]}]\n"
              "matrix: {fault: [kill-kubelet], window: [start-up-hooks], while: first-server, "
              "offset: [200ms], target: [w-1]}\n"),
      "while");
  ASSERT_EQ(run.exit_status, 0) << run.out << run.err;
  const Json trial = last_trial("while");
  EXPECT_TRUE(trial["hit"].get<bool>()) << trial.dump();
  EXPECT_EQ(trial["while"], "cp-1");
  EXPECT_EQ(trial["target"], "w-1");
  EXPECT_GT(trial["landed_error_us"].get<std::int64_t>(), 0) << "two clocks leave a doubt";
}

TEST_F(WholePath, hurts_one_pod_after_another_in_one_start) {
  const auto run =
      run_suite(written("in-turn",
                        "paths: [{versions: [v1.30.12+rke2r1, v1.30.13-rc2+rke2r1]}]\n"
                        "matrix: {fault: [{kill-pod: {pod: etcd}}], window: [static-pod-sync]}\n"
                        "faults:\n"
                        "  - {fault: {kill-pod: {pod: kube-apiserver}}, window: start-up-hooks, "
                        "after: previous}\n"),
                "in-turn");
  ASSERT_EQ(run.exit_status, 0) << run.out << run.err;
  const Json trial = last_trial("in-turn");
  EXPECT_TRUE(trial["hit"].get<bool>()) << trial.dump();
  ASSERT_EQ(trial["companions"].size(), 1U);
  EXPECT_TRUE(trial["companions"][0]["hit"].get<bool>()) << trial.dump();
}

TEST_F(WholePath, hits_a_window_of_the_next_boot_and_learns_its_length) {
  const std::string paths =
      "paths: [{versions: [v1.30.13-rc2+rke2r1, v1.30.13-rc2+rke2r1], restart: reboot}]\n";
  const std::string hit =
      "matrix: {fault: [{kill-pod: {pod: kube-apiserver}}], "
      "window: [start-up-hooks]}\nbudget: {apiserver_outage: 240s}\n";
  const auto run = run_suite(written("boot", paths + hit), "boot");
  ASSERT_EQ(run.exit_status, 0) << run.out << run.err;
  const Json trial = last_trial("boot");
  EXPECT_TRUE(trial["hit"].get<bool>()) << trial.dump();
  EXPECT_EQ(trial["restart"], "reboot");
  const std::string events = read(directory() / "boot/latest/events.jsonl");
  EXPECT_THAT(events, HasSubstr("\"job_result\":\"rebooted\""));
  const auto quiet = run_suite(written("quiet", paths), "quiet");
  ASSERT_EQ(quiet.exit_status, 0) << quiet.out << quiet.err;
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
  EXPECT_TRUE(again["hit"].get<bool>()) << again.dump();
  EXPECT_EQ(again["original_us"], first["landed_us"]);
  EXPECT_THAT(again["replays"].get<std::string>(), HasSubstr(":1"));
}

}  // namespace
}  // namespace harness::cli
