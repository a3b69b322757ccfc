#include "harness/run/interrupt.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "harness/base/eventually.h"

namespace harness::run {

struct Interrupt::State {
  std::atomic<int> exit_status{0};
  int signals = -1;
  int wake = -1;
};

Interrupt::Interrupt() : state_(std::make_shared<State>()) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  state_->signals = signalfd(-1, &set, SFD_CLOEXEC);
  state_->wake = eventfd(0, EFD_CLOEXEC);
  HARNESS_ASSERT(state_->signals >= 0 && state_->wake >= 0);
  thread_ = std::jthread([state = state_, source = source_]() mutable {
    while (true) {
      pollfd watched[2] = {{state->signals, POLLIN, 0}, {state->wake, POLLIN, 0}};
      if (poll(watched, 2, -1) < 0) {
        continue;
      }
      if (watched[1].revents != 0) {
        return;
      }
      signalfd_siginfo info{};
      if (read(state->signals, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
        continue;
      }
      const int status = info.ssi_signo == SIGINT ? 130 : 143;
      if (source.stop_requested()) {
        std::fputs(
            "\nhookshot: leaving now; the guards on the nodes undo what is armed by themselves. "
            "Run `hookshot heal` to verify.\n",
            stderr);
        std::_Exit(status);
      }
      state->exit_status = status;
      std::fputs(
          "\nhookshot: stopping: healing the nodes first (once more to leave that to the nodes' "
          "own timers)\n",
          stderr);
      source.request_stop();
    }
  });
}

Interrupt::~Interrupt() {
  limit_ = {};
  const std::uint64_t one = 1;
  static_cast<void>(!write(state_->wake, &one, sizeof one));
  thread_.join();
  close(state_->signals);
  close(state_->wake);
}

void Interrupt::stop(int exit_status) {
  int none = 0;
  state_->exit_status.compare_exchange_strong(none, exit_status);
  source_.request_stop();
}

void Interrupt::stop_after(Microseconds limit, int exit_status) {
  limit_ = std::jthread([this, limit, exit_status](const std::stop_token& stop) {
    if (!paced(limit, stop)) {
      this->stop(exit_status);
    }
  });
}

int Interrupt::exit_status() const {
  return state_->exit_status;
}

}  // namespace harness::run
