// The disk fills between arming and firing.
#include <csignal>

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "harness/guard/action_hold.h"
#include "harness/guard/guard_fixture.h"
#include "harness/guard/next_boot.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

using testing::HasSubstr;
using testing::Not;

class FilledDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (access("/dev/full", W_OK) != 0) {
      GTEST_SKIP() << "no /dev/full";
    }
    victim_ = fork();
    if (victim_ == 0) {
      for (;;) {
        pause();
      }
    }
    tools_.answer("systemctl",
                  "case \"$*\" in *is-active*) echo inactive; exit 3;; *MainPID*) echo " +
                      std::to_string(victim_) + ";; esac");
  }

  void TearDown() override {
    if (victim_ > 0) {
      kill(victim_, SIGKILL);
      waitpid(victim_, nullptr, 0);
    }
  }

  RecordState arm(Action action) {
    RecordState state = armed_record("h-1");
    state.record.action = std::move(action);
    state.record.trigger = {.now = true};
    state.record.lease = std::chrono::milliseconds(100);
    EXPECT_TRUE(store_.create(state));
    return state;
  }

  int fire() { return fire_apart(store_, "h-1"); }

  char victim() const { return state_of({victim_, start_ticks(victim_)}); }

  int victim_ = 0;
  TestFolder folder_;
  FakeTools tools_{folder_.path()};
  Disk disk_{folder_};
  Store store_{disk_.places()};
};

TEST_F(FilledDisk, costs_neither_the_undo_nor_the_outcome_of_what_is_fired) {
  arm({Action::Kind::service, {}, "freeze", std::chrono::seconds(1)});
  disk_.full = true;
  ASSERT_EQ(fire(), 0);
  EXPECT_EQ(victim(), 'T');
  const auto fired = store_.load("h-1");
  ASSERT_TRUE(fired);
  EXPECT_EQ(fired->outcome(), "applied");
  EXPECT_EQ(fired->progress["held"]["kind"], "frozen");
  EXPECT_TRUE(store_.mirrored("h-1"));
  const auto told = said_by([&] { return verb_status(store_, {{"cluster", "lab"}}); });
  ASSERT_EQ(told.lines.size(), 1U);
  EXPECT_EQ(told.lines[0]["state"], "APPLIED");

  ASSERT_EQ(run_expire(store_, "h-1"), 0);
  EXPECT_NE(victim(), 'T') << "it is taken back";
  EXPECT_TRUE(store_.armed().empty());
  disk_.full = false;
  ASSERT_TRUE(said_by([&] { return verb_status(store_, {{"cluster", "lab"}}); }).status);
  EXPECT_FALSE(store_.mirrored());
  disk_.reboot();
  const auto kept = store_.load("h-1");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->state(), "VERIFIED");
  EXPECT_EQ(kept->outcome(), "applied");
  EXPECT_THAT(json_string(kept->progress["evidence"], "summary"), HasSubstr("main process"));
}

TEST_F(FilledDisk, keeps_why_nothing_was_fired) {
  arm({Action::Kind::kill, "etcd", "process"});
  disk_.full = true;
  ASSERT_EQ(fire(), 0);
  const auto missed = store_.load("h-1");
  ASSERT_TRUE(missed);
  EXPECT_EQ(missed->outcome(), "missed");
  EXPECT_THAT(json_string(missed->progress, "reason"), HasSubstr("no running container of etcd"));
}

TEST_F(FilledDisk, fires_nothing_whose_undo_is_kept_nowhere) {
  arm({Action::Kind::service, {}, "freeze", std::chrono::seconds(1)});
  disk_.full = true;
  std::filesystem::create_directories(std::filesystem::path(disk_.places().run).parent_path());
  std::ofstream(disk_.places().run) << "no memory either";
  EXPECT_EQ(fire(), 1) << "an outcome that is lost is no success";
  EXPECT_NE(victim(), 'T');
  EXPECT_EQ(store_.load("h-1")->state(), "ARMED");
}

TEST_F(FilledDisk, reboots_nothing_that_the_next_boot_would_not_know) {
  RecordState state = arm({Action::Kind::reboot, {}, "graceful"});
  tools_.answer("systemctl", "exit 1");  // else it would wait for the end of the boot
  disk_.full = true;
  EXPECT_THAT(reboot(store_, state).message(), HasSubstr("No space left on device"));
  EXPECT_THAT(tools_.asked(), Not(HasSubstr("systemctl reboot")));
}

TEST_F(FilledDisk, wakes_nothing_that_the_boot_after_would_wake_again) {
  RecordState state = arm({Action::Kind::kill, "etcd", "process"});
  state.record.trigger = {.window = "w", .next_boot = true};
  state.progress["armed"] = to_json(now());
  disk_.full = true;
  const Status woken = wake(store_, state);
  ASSERT_FALSE(woken);
  EXPECT_THAT(woken.error().message(), HasSubstr("No space left on device"));
  EXPECT_EQ(tools_.asked(), "") << "nothing was started";
}

TEST_F(FilledDisk, lets_a_boot_only_take_back_what_is_stale_on_it) {
  arm({Action::Kind::service, {}, "freeze", std::chrono::seconds(1)});
  disk_.full = true;
  ASSERT_EQ(fire(), 0);
  kill(victim_, SIGCONT);
  disk_.reboot();
  ASSERT_EQ(run_boot(store_), 0);
  EXPECT_THAT(tools_.asked(), Not(HasSubstr("hookshot-trig-h-1 ")));
  EXPECT_TRUE(store_.armed().empty());
  EXPECT_EQ(store_.load("h-1")->outcome(), "expired");
  EXPECT_NE(victim(), 'T');
}

TEST_F(FilledDisk, is_an_error_for_a_boot_or_a_timer_that_cannot_lock) {
  std::filesystem::remove_all(disk_.places().state);
  EXPECT_EQ(run_boot(store_), 1);
  EXPECT_EQ(run_expire(store_, "h-1"), 1);
}

}  // namespace
}  // namespace harness::guard
