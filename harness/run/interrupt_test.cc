#include "harness/run/interrupt.h"

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>

#include <gtest/gtest.h>
#include <unistd.h>

namespace harness::run {
namespace {

bool asked_to_stop(const Interrupt& interrupt) {
  std::mutex mutex;
  std::condition_variable_any changed;
  // Before the lock: a stop that came already calls back at once, in this thread.
  const std::stop_callback wake(interrupt.token(), [&] {
    const std::lock_guard held(mutex);
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  return changed.wait_for(
      lock, std::chrono::seconds(20), [&] { return interrupt.token().stop_requested(); });
}

// In a process of their own: signals stay blocked in the thread that made an Interrupt.
[[noreturn]] void stop_once(int signal) {
  const Interrupt interrupt;
  kill(getpid(), signal);
  std::_Exit(asked_to_stop(interrupt) ? interrupt.exit_status() : 99);
}

[[noreturn]] void stop_twice(int first, int second) {
  const Interrupt interrupt;
  kill(getpid(), first);
  if (!asked_to_stop(interrupt)) {
    std::_Exit(99);
  }
  kill(getpid(), second);
  while (true) {
    pause();  // the second signal ends the process
  }
}

TEST(InterruptDeathTest, one_signal_asks_to_stop_and_heals_first) {
  EXPECT_EXIT(stop_once(SIGINT), testing::ExitedWithCode(130), "stopping: healing the nodes first");
  EXPECT_EXIT(stop_once(SIGTERM), testing::ExitedWithCode(143), "healing the nodes first");
}

TEST(InterruptDeathTest, a_second_one_leaves_the_guards_timers_and_says_so) {
  const char* said = "the guards on the nodes undo what is armed by themselves.*hookshot heal";
  EXPECT_EXIT(stop_twice(SIGINT, SIGINT), testing::ExitedWithCode(130), said);
  EXPECT_EXIT(stop_twice(SIGINT, SIGTERM), testing::ExitedWithCode(143), said);
}

TEST(InterruptDeathTest, a_signal_after_the_time_limit_goes_at_once_too) {
  EXPECT_EXIT(
      {
        Interrupt interrupt;
        interrupt.stop(124);
        kill(getpid(), SIGINT);
        while (true) {
          pause();
        }
      },
      testing::ExitedWithCode(130),
      "leaving now");
}

TEST(InterruptDeathTest, the_first_reason_to_stop_is_the_exit_status) {
  EXPECT_EXIT(
      {
        Interrupt interrupt;
        if (interrupt.exit_status() != 0 || interrupt.token().stop_requested()) {
          std::_Exit(98);
        }
        interrupt.stop(124);
        interrupt.stop(3);
        std::_Exit(asked_to_stop(interrupt) ? interrupt.exit_status() : 99);
      },
      testing::ExitedWithCode(124),
      "");
}

}  // namespace
}  // namespace harness::run
