// What takes many trials of one window: a sweep, and the search for the fault that a failure needs.
// All of them restart 1.30.12 in place, which waits for no pod: half a minute each.

#include <cmath>
#include <filesystem>
#include <vector>

#include <gmock/gmock.h>

#include "harness/base/json.h"
#include "harness/cli/whole_path_fixture.h"

namespace harness::cli {
namespace {

using testing::HasSubstr;

const std::string kRestarts = "paths: [{versions: [v1.30.12+rke2r1, v1.30.12+rke2r1]}]\n";

// Once for the tests below, from two starts of its own.
exec::CommandResult learn_restarts() {
  static const exec::CommandResult learned = [] {
    mark_nodes();
    return hookshot({"windows",
                     "learn",
                     "--from",
                     "v1.30.12+rke2r1",
                     "--to",
                     "v1.30.12+rke2r1",
                     "--starts",
                     "2",
                     "-i",
                     inventory(),
                     "--results",
                     (directory() / "learned").string()});
  }();
  return learned;
}

TEST_F(WholePath, aims_before_and_after_a_window_by_what_it_learned_of_restarts) {
  const auto learned = learn_restarts();
  ASSERT_EQ(learned.exit_status, 0) << learned.out << learned.err;
  EXPECT_THAT(learned.out, HasSubstr("start-up-hooks"));
  const auto run = play("beside",
                        kRestarts +
                            "matrix:\n"
                            "  fault: [{kill-pod: {pod: kube-scheduler, how: process}}]\n"
                            "  window: [start-up-hooks]\n"
                            "  offset: [-1s, 125%]\n");
  ASSERT_EQ(run.exit_status, 0) << run.out << run.err;
  const Json verdict = verdict_of("beside");
  ASSERT_EQ(verdict["cases"].size(), 2U) << verdict.dump();
  const Json before = verdict["cases"][0]["trials"].back();
  EXPECT_LT(json_int(before, "landed_us"), 0) << before.dump();
  EXPECT_THAT(json_string(before, "aim"), testing::StartsWith("-"));
  const Json after = verdict["cases"][1]["trials"].back();
  EXPECT_GT(json_int(after, "landed_us"), json_int(after, "length_us")) << after.dump();
  EXPECT_THAT(json_string(after, "aim"), testing::StartsWith("closed+"));
  for (const Json& row : verdict["coverage"]) {
    EXPECT_EQ(json_int(row, "hits"), 0) << "nothing fell inside: " << row;
    EXPECT_GE(json_int(row, "beside"), 2) << row;
  }
}

TEST_F(WholePath, sweeps_a_window_by_halves_and_draws_its_map) {
  const auto learned = learn_restarts();
  ASSERT_EQ(learned.exit_status, 0) << learned.out << learned.err;
  // The window of a busy node can be over before its middle, as it was learned: a miss, and drawn.
  const auto run = play("swept",
                        kRestarts +
                            "matrix:\n"
                            "  fault: [{kill-pod: {pod: kube-scheduler, how: process}}]\n"
                            "  window: [start-up-hooks]\n"
                            "  offset: [{sweep: {resolution: 20ms, count: 3, around: false}}]\n");
  EXPECT_EQ(run.exit_status, 0) << run.out << run.err;
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
    drawn += static_cast<int>(json_int(bucket, "hits") + json_int(bucket, "misses") +
                              json_int(bucket, "unproven"));
  }
  EXPECT_EQ(drawn, 3) << map.dump();
  EXPECT_THAT(read(directory() / "swept/latest/report.md"),
              HasSubstr(" in start-up-hooks on cp-1"));
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
  const auto planned = hookshot({"plan", smallest.string(), "-i", inventory()});
  EXPECT_EQ(planned.exit_status, 0) << planned.err;
  EXPECT_THAT(planned.out, HasSubstr("freeze-pod"));
}

}  // namespace
}  // namespace harness::cli
