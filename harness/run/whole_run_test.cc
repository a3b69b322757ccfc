#include "harness/run/whole_run.h"

#include <sys/resource.h>
#include <unistd.h>

#include "harness/run/replay.h"

namespace harness::run {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Folders can be made, files not written.
class FullDisk {
 public:
  FullDisk() : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_FSIZE, &none);
  }

  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(WholeRun, passes_when_all_trials_land_and_the_cluster_recovers) {
  const auto end = run(kKill);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->exit_status, 0) << end->summary;
  EXPECT_EQ(end->folder, folder().path());
  const Json said = verdict();
  EXPECT_EQ(said["verdict"], "pass") << said.dump(2);
  ASSERT_EQ(said["cases"].size(), 1U);
  const Json& trials = said["cases"][0]["trials"];
  ASSERT_EQ(trials.size(), 2U);
  for (const Json& trial : trials) {
    EXPECT_EQ(trial["hit"], true) << trial.dump(2);
    EXPECT_EQ(trial["checks"].size(), check::all_checks().size());
  }
  EXPECT_EQ(events("trial.finished").size(), 2U);
  EXPECT_EQ(events("run.finished").size(), 1U);
  EXPECT_EQ(events("run.finished")[0]["exit_status"], 0);
  EXPECT_EQ(json_string(folder().read("run.json").value(), "finished").empty(), false);
  EXPECT_THAT(text("junit.xml"), HasSubstr("failures=\"0\""));
  EXPECT_THAT(lab_.states(), ElementsAre("VERIFIED", "VERIFIED"));
  EXPECT_EQ(lab_.asked("lease-release"), 1);
  EXPECT_FALSE(lab_.service.copies) << "the releases that were copied for installing are gone";
  EXPECT_EQ(status_of_folder(), 0) << "the events alone say the same";
}

TEST_F(WholeRun, sees_a_window_close_that_outlasts_the_recovery) {
  lab_.service.lingers = true;
  const auto end = run(kKill);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->exit_status, 0) << end->summary;
  const Json said = verdict();
  const Json& trials = said["cases"][0]["trials"];
  ASSERT_EQ(trials.size(), 2U);
  for (const Json& trial : trials) {
    EXPECT_EQ(trial["hit"], true) << trial.dump(2);
  }
}

TEST_F(WholeRun, calls_a_fault_that_misses_unproven_and_never_a_pass) {
  for (const auto& [falls, why] : {std::pair(FakeCluster::Falls::after, "after the window"),
                                   {FakeCluster::Falls::nowhere, "the window closed first"}}) {
    lab_.falls = falls;
    const auto end = run(kKill);
    ASSERT_TRUE(end) << end.error().message();
    EXPECT_EQ(end->exit_status, 4) << end->summary;
    EXPECT_EQ(verdict()["verdict"], "unproven");
    EXPECT_EQ(verdict()["cases"][0]["trials"].size(), 3U) << "all attempts were made";
    EXPECT_THAT(json_string(verdict()["cases"][0], "reason"), HasSubstr(why));
    EXPECT_THAT(text("junit.xml"), HasSubstr("<skipped"));
    EXPECT_EQ(status_of_folder(), 4);
  }
}

TEST_F(WholeRun, skips_a_case_that_the_node_cannot_do_and_upgrades_nothing_for_it) {
  lab_.lacks = "nft is not on this node";
  const auto end = run(kKill);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->exit_status, 4) << "nothing was tested: " << end->summary;
  const Json said = verdict()["cases"][0];
  EXPECT_EQ(said["verdict"], "skip") << said.dump(2);
  EXPECT_THAT(json_string(said, "reason"), HasSubstr("nft is not on this node"));
  EXPECT_EQ(said["trials"].size(), 1U) << "another attempt would say the same";
  EXPECT_THAT(text("junit.xml"), HasSubstr("<skipped"));
  EXPECT_EQ(status_of_folder(), 4);
}

TEST_F(WholeRun, ends_as_an_error_where_the_cluster_was_sick_before) {
  lab_.service.server.readyz = 500;
  const auto end = run(kKill);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), ErrorCode::timed_out) << "exit status 3, see cli/command.cc";
  EXPECT_THAT(end.error().message(), HasSubstr("sick before anything was done to it"));
  EXPECT_EQ(status_of_folder(), 3);
  EXPECT_EQ(verdict()["verdict"], "error");
  EXPECT_THAT(json_string(verdict()["cases"][0], "reason"), HasSubstr("not run: "));
  EXPECT_EQ(lab_.asked("arm"), 0);
  EXPECT_EQ(lab_.asked("systemctl restart"), 0);
  EXPECT_EQ(lab_.asked("lease-release"), 1);
}

TEST_F(WholeRun, asks_no_node_where_its_events_cannot_be_kept) {
  const auto end = [this] {
    const FullDisk full;
    return run(kKill);
  }();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), ErrorCode::internal) << "exit status 3";
  EXPECT_THAT(end.error().message(), HasSubstr("is the disk full?"));
  EXPECT_THAT(lab_.service.server.node.traffic(), testing::IsEmpty());
}

TEST_F(WholeRun, touches_nothing_under_somebody_else_s_lease) {
  lab_.leased_to = "ann@elsewhere pid 1";
  const auto end = run(kKill);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), ErrorCode::remote_failed) << "exit status 3";
  EXPECT_THAT(end.error().message(), HasSubstr("ann@elsewhere pid 1"));
  EXPECT_EQ(status_of_folder(), 3);
  for (const char* deed : {"arm", "heal", "systemctl", "lease-release"}) {
    EXPECT_EQ(lab_.asked(deed), 0) << deed;
  }
}

TEST_F(WholeRun, heals_and_ends_as_interrupted_on_ctrl_c_in_the_middle_of_a_step) {
  Status healed_meanwhile = fail(ErrorCode::internal, "never asked");
  lab_.instead_of_start = [&]() -> Result<exec::CommandResult> {
    ::kill(::getpid(), SIGINT);
    healed_meanwhile = eventually(
        "the armed fault is taken back",
        Deadline::after(std::chrono::seconds(20)),
        std::chrono::milliseconds(1),
        [&]() -> Result<Observation> { return Observation{.done = lab_.states()[0] != "ARMED"}; });
    return fail(ErrorCode::refused, "interrupted");
  };
  const auto end = run(kKill);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_TRUE(healed_meanwhile) << healed_meanwhile.error().message();
  EXPECT_EQ(end->exit_status, 130);
  EXPECT_THAT(lab_.states(), ElementsAre("VERIFIED")) << "and no second trial began";
  EXPECT_EQ(events("run.finished")[0]["stopped"], "it was interrupted");
  EXPECT_EQ(verdict()["cases"][0]["verdict"], "error");
  EXPECT_EQ(verdict()["cases"][0]["trials"][0]["reason"], "interrupted");
  EXPECT_EQ(lab_.asked("lease-release"), 1);
  EXPECT_EQ(status_of_folder(), 130);
}

TEST_F(WholeRun, ends_as_interrupted_where_that_came_before_the_first_trial) {
  ahead_of_all_ = [](Interrupt& interrupt) { interrupt.stop(130); };
  const auto end = run(kKill);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->exit_status, 130) << end->summary;
  EXPECT_EQ(end->folder, folder().path());
  EXPECT_EQ(lab_.asked("arm"), 0);
  EXPECT_EQ(status_of_folder(), 130);
  std::ofstream(results_ / "taken") << "\n";
  options_.results = results_ / "taken";
  const auto without = run(kKill);
  ASSERT_TRUE(without) << without.error().message();
  EXPECT_EQ(without->exit_status, 130);
  EXPECT_EQ(without->folder, "") << "it could not be made";
  EXPECT_THAT(without->summary, HasSubstr("taken"));
}

TEST_F(WholeRun, heals_and_says_so_when_the_time_limit_passes_in_the_middle_of_a_step) {
  options_.time_limit = std::chrono::milliseconds(200);
  lab_.instead_of_start = [&]() -> Result<exec::CommandResult> {
    EXPECT_TRUE(eventually(
        "the armed fault is taken back",
        Deadline::after(std::chrono::seconds(20)),
        std::chrono::milliseconds(1),
        [&]() -> Result<Observation> { return Observation{.done = lab_.states()[0] != "ARMED"}; }));
    return fail(ErrorCode::refused, "interrupted");
  };
  const auto end = run(kKill);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->exit_status, 124);
  EXPECT_THAT(lab_.states(), ElementsAre("VERIFIED"));
  EXPECT_EQ(events("run.finished")[0]["stopped"], "the time limit passed");
  EXPECT_EQ(verdict()["cases"][0]["verdict"], "error");
  EXPECT_FALSE(lab_.service.copies);
  EXPECT_EQ(lab_.asked("lease-release"), 1);
  EXPECT_EQ(status_of_folder(), 124);
}

TEST_F(WholeRun, begins_no_further_trial_once_its_lease_is_lost) {
  lab_.ahead_of_start = [&] {
    lab_.lease_taken = true;
    const int asked = lab_.asked("lease-renew");
    EXPECT_TRUE(eventually("the loss is known",
                           Deadline::after(std::chrono::seconds(20)),
                           std::chrono::milliseconds(1),
                           [&]() -> Result<Observation> {
                             return Observation{.done = lab_.asked("lease-renew") > asked};
                           }));
  };
  const auto end = run(kKill);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->exit_status, 3);
  EXPECT_THAT(lab_.states(), ElementsAre("VERIFIED")) << "what was armed is taken back";
  EXPECT_EQ(verdict()["verdict"], "error");
  EXPECT_THAT(end->summary, HasSubstr("ann@elsewhere holds the lease"));
  EXPECT_EQ(lab_.asked("lease-release"), 0) << "it is somebody else's now";
  EXPECT_TRUE(lab_.service.copies) << "and so are the node's files";
  EXPECT_EQ(status_of_folder(), 3);
}

TEST_F(WholeRun, hurts_no_node_further_that_could_not_be_healed) {
  lab_.undoes = false;
  const auto end = run(kKill);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->exit_status, 5);
  EXPECT_THAT(lab_.states(), ElementsAre("DIRTY"));
  EXPECT_EQ(verdict()["cases"][0]["trials"].size(), 1U) << "no second trial began";
  EXPECT_THAT(json_string(events("node.dirty")[0], "reason"), HasSubstr("it does not let go"));
  EXPECT_EQ(verdict()["cases"][0]["verdict"], "error") << "it is not held against the product";
  EXPECT_EQ(status_of_folder(), 5);
  EXPECT_EQ(lab_.asked("lease-release"), 1);
  const auto again = run(kKill);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->exit_status, 5) << "also when somebody else made it dirty";
  EXPECT_THAT(again->summary, HasSubstr("quarantine"));
  EXPECT_EQ(status_of_folder(), 5);
  EXPECT_EQ(lab_.states().size(), 1U);
}

TEST_F(WholeRun, fails_with_the_reason_where_the_service_dies_in_its_start) {
  lab_.service.dies = true;
  const auto end = run(none());
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->exit_status, 1);
  EXPECT_EQ(verdict()["verdict"], "fail");
  EXPECT_THAT(json_string(verdict()["cases"][0], "reason"),
              HasSubstr("Failed to apply Cluster Role Bindings"));
  EXPECT_THAT(text("junit.xml"), HasSubstr("<failure"));
  EXPECT_THAT(end->summary, HasSubstr("Failed to apply Cluster Role Bindings"));
  EXPECT_EQ(status_of_folder(), 1);
}

TEST_F(WholeRun, says_how_to_do_again_what_no_suite_describes) {
  options_.again = {"hookshot", "shrink", "r:s/c", "-i", "lab.yaml"};
  lab_.service.dies = true;
  const auto end = run(none());
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_THAT(end->summary, HasSubstr("Again: `hookshot shrink r:s/c -i lab.yaml`"));
  EXPECT_EQ(verdict()["cases"][0]["trials"][0]["repeat"], "hookshot shrink r:s/c -i lab.yaml");
  EXPECT_EQ(suites_of(folder()).error().code(), ErrorCode::invalid_input);
}

TEST_F(WholeRun, fails_what_should_fail_and_does_not) {
  const std::string suite =
      plan::changed(none(),
                    "rke2r1]}",
                    "rke2r1], expect: fail, issue: rancher/rke2#8269, because: [journal-clean]}");
  lab_.service.dies = true;
  const auto as_expected = run(suite);
  ASSERT_TRUE(as_expected) << as_expected.error().message();
  EXPECT_EQ(as_expected->exit_status, 0) << as_expected->summary;
  EXPECT_EQ(verdict()["cases"][0]["outcome"], "fail");
  const auto end = run(suite);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->exit_status, 1);
  EXPECT_EQ(verdict()["cases"][0]["outcome"], "pass");
  EXPECT_EQ(verdict()["cases"][0]["verdict"], "fail");
  EXPECT_THAT(json_string(verdict()["cases"][0], "reason"),
              HasSubstr("unexpected pass: rancher/rke2#8269"));
}

}  // namespace
}  // namespace harness::run
