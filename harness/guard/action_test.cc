#include "harness/guard/action.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/guard/undo.h"
#include "harness/guard/undo_units.h"

namespace harness::guard {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

constexpr milliseconds kShort{300};

// A process that stands for the container, and a ctr of the node's own.
class KillTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        std::filesystem::temp_directory_path() / ("hookshot-kill-" + std::to_string(getpid()));
    std::filesystem::create_directories(directory_ / "bin");
  }

  void TearDown() override {
    for (const int pid : started_) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
    close(target_.pidfd);
    std::filesystem::remove_all(directory_);
  }

  void adopt(int pid) {
    target_ = {.id = "0123456789abcdef",
               .pod = "etcd",
               .kind = "container",
               .pid = pid,
               .pidfd = pidfd_open(pid),
               .start_ticks = start_ticks(pid)};
    ASSERT_GE(target_.pidfd, 0);
  }

  void start_container() {
    const int pid = fork();
    if (pid == 0) {
      pause();
      _exit(0);
    }
    started_.push_back(pid);
    adopt(pid);
  }

  // The container below a shim; it ends with the shim or lives on.
  void start_below_shim(const char* name, bool ends_with_it) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const int shim = fork();
    if (shim == 0) {
      prctl(PR_SET_NAME, name);
      const int container = fork();
      if (container == 0) {
        if (ends_with_it) {
          prctl(PR_SET_PDEATHSIG, SIGKILL);
        }
        const int self = getpid();
        static_cast<void>(!write(ends[1], &self, sizeof self));
        pause();
        _exit(0);
      }
      pause();
      _exit(0);
    }
    started_.push_back(shim);
    int container = 0;
    ASSERT_EQ(read(ends[0], &container, sizeof container), ssize_t{sizeof container});
    close(ends[0]);
    close(ends[1]);
    adopt(container);
  }

  void write_ctr(const std::string& body) {
    const auto file = directory_ / "bin" / "ctr";
    std::ofstream(file) << "#!/bin/sh\n" << body << "\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }

  Result<Deed> strike(const std::string& how, milliseconds limit = std::chrono::seconds(10)) {
    ArmRecord record;
    record.data_dir = directory_.string();
    record.action = {Action::Kind::kill, "etcd", how};
    return kill_container(record, target_, limit);
  }

  std::filesystem::path directory_;
  std::vector<int> started_;
  Container target_;
};

TEST_F(KillTest, counts_a_task_that_ctr_killed_and_reads_its_end_back) {
  start_container();
  write_ctr("kill -9 " + std::to_string(target_.pid));
  const auto deed = strike("task");
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(deed->evidence["process_gone"], true);
  EXPECT_EQ(deed->evidence["ctr_exit"], 0);
  EXPECT_GE(deed->effect.mono_us, deed->begun.mono_us);
}

TEST_F(KillTest, does_not_count_an_end_that_ctr_says_it_did_not_bring) {
  start_container();
  write_ctr("kill -9 " + std::to_string(target_.pid) + "; echo task not found >&2; exit 1");
  const auto deed = strike("task");
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("task not found"));
  EXPECT_THAT(deed.error().message(), HasSubstr("exit 1"));
}

TEST_F(KillTest, says_so_when_ctr_ends_well_but_the_container_lives_on) {
  start_container();
  write_ctr("exit 0");
  const auto deed = strike("task", kShort);
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("lives on"));
}

TEST_F(KillTest, ends_a_ctr_that_hangs) {
  start_container();
  const std::string mark = (directory_ / "pid").string();
  write_ctr("echo $$ > " + mark + "; exec sleep 600");
  ASSERT_FALSE(strike("task", std::chrono::seconds(1)));
  int pid = 0;
  std::ifstream(mark) >> pid;
  ASSERT_GT(pid, 1);
  EXPECT_EQ(start_ticks(pid), 0) << "ctr is still there";
}

TEST_F(KillTest, counts_a_process_that_it_killed) {
  start_container();
  const auto deed = strike("process");
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(deed->evidence["process_gone"], true);
}

TEST_F(KillTest, misses_what_had_ended_by_itself_in_every_way) {
  start_container();
  write_ctr("exit 0");
  kill(target_.pid, SIGKILL);
  ASSERT_TRUE(pidfd_wait(target_.pidfd, std::chrono::seconds(10)));
  for (const char* how : {"task", "process", "shim"}) {
    const auto deed = strike(how);
    ASSERT_FALSE(deed) << how;
    EXPECT_THAT(deed.error().message(), HasSubstr("had ended by itself")) << how;
  }
}

TEST_F(KillTest, counts_a_shim_only_when_the_container_ended_with_it) {
  start_below_shim("containerd-shim", true);
  const auto deed = strike("shim");
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(deed->evidence["process_gone"], true);
  EXPECT_EQ(deed->evidence["container_ended"]["mono_us"], deed->effect.mono_us);
  EXPECT_LE(deed->evidence["shim_ended"]["mono_us"].get<std::int64_t>(), deed->effect.mono_us);
}

TEST_F(KillTest, does_not_count_a_shim_whose_container_lives_on) {
  start_below_shim("containerd-shim", false);
  const auto deed = strike("shim", kShort);
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("lives on"));
  pidfd_kill(target_.pidfd, SIGKILL);
}

TEST_F(KillTest, leaves_a_parent_alone_that_is_no_shim) {
  start_below_shim("bash", true);
  const auto deed = strike("shim");
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("no containerd shim"));
  EXPECT_FALSE(pidfd_wait(target_.pidfd, milliseconds(0)));
}

TEST_F(KillTest, ends_the_sandbox_and_leaves_the_container_to_kubelet) {
  start_container();
  const Container sandbox = target_;
  start_container();
  target_.sandbox = "feed";
  ArmRecord record;
  record.action = {Action::Kind::kill, "etcd", "sandbox"};
  const auto deed = kill_sandbox(record, {{"feed", sandbox}}, target_);
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_TRUE(pidfd_wait(sandbox.pidfd, milliseconds(0)));
  EXPECT_FALSE(pidfd_wait(target_.pidfd, milliseconds(0)));
  EXPECT_FALSE(deed->evidence.contains("container"));
  EXPECT_EQ(deed->evidence["sandbox"], "feed");
  EXPECT_FALSE(kill_sandbox(record, {{"feed", sandbox}}, target_)) << "it had ended by itself";
  EXPECT_FALSE(kill_sandbox(record, {}, target_));
}

TEST(TriggerUnit, takes_all_it_started_with_it_when_it_is_stopped) {
  const auto argv = trigger_command({.id = "h-1", .ttl = std::chrono::seconds(1)});
  EXPECT_THAT(argv, testing::Contains("--property=KillMode=control-group"));
}

RecordState rebooting(const std::string& how, const std::string& boot_before) {
  RecordState state;
  state.record.id = "h-1";
  state.record.fault = "reboot";
  state.record.action = {Action::Kind::reboot, "", how};
  state.progress = {{"state", "APPLYING"},
                    {"outcome", ""},
                    {"begun", to_json(now())},
                    {"evidence", {{"means", "x"}, {"boot_id_before", boot_before}}}};
  return state;
}

TEST(CompleteReboot, tells_how_the_old_boot_ended) {
  const auto ends = [](const std::string& text) {
    return [text](const std::string&) -> Result<std::string> { return text; };
  };
  RecordState clean = rebooting("graceful", "old");
  ASSERT_TRUE(complete_reboot(clean, ends("Stopped a\nReached target reboot.target - Reboot.\n")));
  EXPECT_EQ(clean.progress["evidence"]["clean_shutdown"], true);
  EXPECT_THAT(json_string(clean.progress["evidence"], "summary"), Not(HasSubstr("journal")));
  RecordState torn = rebooting("graceful", "old");
  ASSERT_TRUE(complete_reboot(torn, ends("level=info msg=\"Shutting down...\"\n")));
  EXPECT_EQ(torn.progress["evidence"]["clean_shutdown"], false);
  EXPECT_THAT(json_string(torn.progress["evidence"], "summary"),
              HasSubstr("does not end with a shutdown"));
  RecordState gone = rebooting("hard", "old");
  ASSERT_TRUE(complete_reboot(gone, [](const std::string&) -> Result<std::string> {
    return fail(ErrorCode::remote_failed, "no such boot");
  }));
  EXPECT_TRUE(gone.progress["evidence"]["clean_shutdown"].is_null());
  EXPECT_THAT(json_string(gone.progress["evidence"], "clean_shutdown_means"),
              HasSubstr("no such boot"));
  RecordState same = rebooting("hard", boot_id());
  EXPECT_FALSE(complete_reboot(same, ends("")));
}

TEST(EndedCleanly, takes_the_stopped_journal_only_at_the_end) {
  EXPECT_TRUE(ended_cleanly("a\nJournal stopped\n"));
  EXPECT_FALSE(ended_cleanly("Journal stopped\nJournal started\n"));
  EXPECT_FALSE(ended_cleanly(""));
}

TEST(Revert, says_that_a_reboot_of_this_boot_is_under_way) {
  const RecordState state = rebooting("graceful", boot_id());
  EXPECT_TRUE(reboot_is_under_way(state));
  EXPECT_FALSE(reboot_is_under_way(rebooting("graceful", "old")));
  RecordState long_ago = state;
  long_ago.progress["begun"]["mono_us"] = now().mono_us - 3600LL * 1000 * 1000;
  EXPECT_FALSE(reboot_is_under_way(long_ago)) << "it did not come";
  Store store(Places::below("/nonexistent"));
  const Healed healed = revert(store, state, "asked");
  EXPECT_EQ(healed.state, "DIRTY");
  EXPECT_THAT(healed.summary, HasSubstr("under way and cannot be taken back"));
}

TEST(SettleOutcome, does_not_claim_that_nothing_happened_while_it_was_being_applied) {
  RecordState state;
  state.progress = {{"state", "APPLYING"}, {"outcome", ""}};
  settle_outcome(state, "its time was over");
  EXPECT_THAT(json_string(state.progress, "reason"), HasSubstr("may have been applied"));
  state.progress = {{"state", "ARMED"}, {"outcome", ""}};
  settle_outcome(state, "its time was over");
  EXPECT_EQ(json_string(state.progress, "reason"), "its time was over");
}

TEST(ActivityOf, does_not_take_silence_for_inactive) {
  EXPECT_EQ(activity_of(Finished{.status = 3, .out = "inactive\n"}), Activity::inactive);
  EXPECT_EQ(activity_of(Finished{.out = "active\n"}), Activity::active);
  EXPECT_EQ(activity_of(Finished{.status = 3, .out = "activating\n"}), Activity::active);
  EXPECT_EQ(activity_of(Finished{.timed_out = true}), Activity::unknown);
  EXPECT_EQ(activity_of(Finished{.status = 1, .err = "Failed to connect to bus"}),
            Activity::unknown);
  EXPECT_EQ(activity_of(fail(ErrorCode::not_supported, "x")), Activity::unknown);
}

}  // namespace
}  // namespace harness::guard
