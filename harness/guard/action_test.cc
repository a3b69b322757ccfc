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

namespace harness::guard {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

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

TEST(TriggerUnit, takes_all_it_started_with_it_when_it_is_stopped) {
  const auto argv = trigger_command({.id = "h-1", .ttl = std::chrono::seconds(1)});
  EXPECT_THAT(argv, testing::Contains("--property=KillMode=control-group"));
}

}  // namespace
}  // namespace harness::guard
