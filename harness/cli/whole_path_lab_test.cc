// The whole path on a lab of real parts: marks, an upgrade with a fault inside a window, proof,
// verdict, and a controller that dies between arming and the fault.

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/eventually.h"
#include "harness/base/json.h"
#include "harness/cli/whole_path_fixture.h"

extern char** environ;

namespace harness::cli {
namespace {

using testing::HasSubstr;

std::vector<std::string> etcd_trial(const std::string& results) {
  return {"run",
          kSource + "/suites/demo.yaml",
          "-i",
          inventory(),
          "--filter",
          "*kill-pod.etcd*",
          "--results",
          (directory() / results).string()};
}

// What the trial above leaves installed, restarted in place: nothing is to be installed first.
std::vector<std::string> restart_trial(const std::string& results) {
  const std::string suite = (directory() / "restart.yaml").string();
  std::ofstream(suite)
      << "suite: restart\nquestion: Is it taken back when nobody is there to do it?\n"
         "paths: [{versions: [v1.30.13-rc2+rke2r1, v1.30.13-rc2+rke2r1]}]\n"
         "matrix: {fault: [{kill-pod: {pod: etcd}}], window: [start-up-hooks]}\n";
  return {"run", suite, "-i", inventory(), "--results", (directory() / results).string()};
}

TEST_F(WholePath, refuses_nodes_without_the_mark_and_another_clusters) {
  mark_nodes();  // whatever came before
  EXPECT_EQ(hookshot({"allow", "-i", inventory(), "--remove"}).exit_status, 0);
  const auto unmarked = hookshot(etcd_trial("unmarked"));
  EXPECT_EQ(unmarked.exit_status, 2);
  EXPECT_THAT(unmarked.err, HasSubstr("allow marker"));
  mark_nodes();
  std::string text = read(inventory());
  text.replace(text.find("cluster: e2e"), 12, "cluster: other");
  std::ofstream(directory() / "other.yaml") << text;
  const auto foreign = hookshot({"run",
                                 kSource + "/suites/smoke.yaml",
                                 "-i",
                                 (directory() / "other.yaml").string(),
                                 "--results",
                                 (directory() / "foreign").string()});
  EXPECT_EQ(foreign.exit_status, 2);
  EXPECT_THAT(foreign.err, HasSubstr("marked for cluster 'e2e'"));
}

TEST_F(WholePath, kills_etcd_inside_the_window_and_proves_it) {
  const auto run = hookshot(etcd_trial("etcd"));
  ASSERT_EQ(run.exit_status, 0) << run.out << run.err;
  const Json verdict = verdict_of("etcd");
  EXPECT_EQ(verdict["verdict"], "pass");
  const Json trial = verdict["cases"][0]["trials"].back();
  EXPECT_TRUE(trial["hit"].get<bool>());
  EXPECT_THAT(trial["evidence"].get<std::string>(), HasSubstr("of etcd killed"));
  EXPECT_LE(trial["opened_at"].get<std::string>(), trial["effect_at"].get<std::string>());
  EXPECT_LE(trial["effect_at"].get<std::string>(), trial["closed_at"].get<std::string>());
  EXPECT_EQ(trial["checks"].size(), 10U);
  for (const char* file :
       {"report.html", "report.md", "junit.xml", "events.jsonl", "plan.json", "run.json"}) {
    EXPECT_FALSE(read(directory() / "etcd/latest" / file).empty()) << file;
  }
  const std::string first = read(directory() / "etcd/latest/verdict.json");
  EXPECT_EQ(hookshot({"judge", (directory() / "etcd/latest").string()}).exit_status, 0);
  EXPECT_EQ(read(directory() / "etcd/latest/verdict.json"), first)
      << "judging again from the events gives the same verdict";
  for (const auto& item : std::filesystem::recursive_directory_iterator(directory() / "etcd")) {
    if (item.is_regular_file()) {
      EXPECT_THAT(read(item.path()), testing::Not(HasSubstr("PRIVATE KEY"))) << item.path();
    }
  }
}

// A controller that was killed leaves its lease, which ends by itself.
Status see_lease_over() {
  return eventually(
      "an earlier run's lease ends",
      Deadline::after(std::chrono::minutes(2)),
      std::chrono::seconds(1),
      []() -> Result<Observation> {
        const auto seen = hookshot(
            {"lab", "ssh", "--name", lab(), "cp-1", "cat", "/var/lib/hookshot/lease.json"});
        const Json lease = parse_json(seen.out).value_or(Json());
        const std::int64_t age_us = wall_now_us() - json_int(lease, "renewed_wall_us");
        return Observation{seen.exit_status != 0 || age_us > json_int(lease, "ttl_ms") * 1000,
                           seen.out};
      });
}

pid_t begin(const std::string& results) {
  const Status free = see_lease_over();
  EXPECT_TRUE(free) << free.error().message();
  auto words = restart_trial(results);
  words.insert(words.begin(), kHookshot);
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  pid_t pid = 0;
  EXPECT_EQ(posix_spawn(&pid, kHookshot.c_str(), nullptr, nullptr, argv.data(), environ), 0);
  return pid;
}

Status see_in_events(const std::string& results, const std::string& text) {
  return eventually("the events tell " + text,
                    Deadline::after(std::chrono::minutes(5)),
                    std::chrono::milliseconds(100),
                    [&]() -> Result<Observation> {
                      const std::string events =
                          read(directory() / results / "latest/events.jsonl");
                      return Observation{events.find(text) != std::string::npos,
                                         std::to_string(events.size()) + " bytes of events"};
                    });
}

Status see_nothing_armed() {
  return eventually(
      "the node takes the record back",
      Deadline::after(std::chrono::minutes(3)),
      std::chrono::seconds(1),
      []() -> Result<Observation> {
        const auto left =
            hookshot({"lab", "ssh", "--name", lab(), "cp-1", "ls", "/var/lib/hookshot/armed"});
        return Observation{left.exit_status == 0 && left.out.empty(), left.out + left.err};
      });
}

int end_of(pid_t pid, int signal) {
  kill(pid, signal);
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

void expect_healed_alone(const std::string& outcome) {
  const Status healed = see_nothing_armed();
  EXPECT_TRUE(healed) << healed.error().message();
  const auto heal = hookshot({"heal", "-i", inventory()});
  EXPECT_EQ(heal.exit_status, 0) << heal.err;
  EXPECT_THAT(heal.out, HasSubstr("undid it by itself"));
  EXPECT_THAT(heal.out, HasSubstr(outcome));
  EXPECT_THAT(heal.out, HasSubstr("Every node is clean."));
}

TEST_F(WholePath, heals_alone_when_the_controller_is_killed_between_arming_and_fault) {
  const pid_t pid = begin("killed");
  const Status armed = see_in_events("killed", "\"state\":\"ARMED\"");
  end_of(pid, SIGKILL);
  ASSERT_TRUE(armed) << armed.error().message();
  const auto judged = hookshot({"judge", (directory() / "killed/latest").string()});
  EXPECT_EQ(judged.exit_status, 3) << "a run that was cut off is no pass";
  expect_healed_alone("expired");
}

TEST_F(WholePath, heals_alone_when_the_controller_is_killed_after_the_fault) {
  const pid_t pid = begin("after");
  const Status applied = see_in_events("after", "\"state\":\"APPLIED\"");
  end_of(pid, SIGKILL);
  ASSERT_TRUE(applied) << applied.error().message();
  expect_healed_alone("applied");
}

TEST_F(WholePath, heals_before_it_ends_when_it_is_interrupted_and_holds_the_cluster_meanwhile) {
  const pid_t pid = begin("interrupted");
  const Status armed = see_in_events("interrupted", "\"state\":\"ARMED\"");
  const auto other = hookshot(restart_trial("other"));
  EXPECT_EQ(other.exit_status, 3) << "somebody else's lease";
  EXPECT_THAT(other.err, HasSubstr(" pid " + std::to_string(pid)));
  const int status = end_of(pid, SIGINT);
  ASSERT_TRUE(armed) << armed.error().message();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  const auto left =
      hookshot({"lab", "ssh", "--name", lab(), "cp-1", "ls", "/var/lib/hookshot/armed"});
  EXPECT_EQ(left.out, "") << "healed before it ended";
  EXPECT_EQ(hookshot({"judge", (directory() / "interrupted/latest").string()}).exit_status, 130);
}

TEST_F(WholePath, takes_all_of_ours_away_with_the_mark) {
  EXPECT_EQ(hookshot({"allow", "-i", inventory(), "--remove"}).exit_status, 0);
  const auto left = hookshot({"lab",
                              "ssh",
                              "--name",
                              lab(),
                              "cp-1",
                              "ls",
                              "-d",
                              "/var/lib/hookshot",
                              "/run/hookshot",
                              "/etc/hookshot.allow",
                              "/etc/systemd/system/hookshot-boot.service"});
  EXPECT_EQ(left.out, "") << "nothing is left after release";
  EXPECT_EQ(hookshot({"allow", "-i", inventory()}).exit_status, 0) << "and it can be marked again";
}

}  // namespace
}  // namespace harness::cli
