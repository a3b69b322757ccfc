// Ctrl-C and SIGTERM, turned into a stop token. The first signal asks everything to stop, so that
// nodes are healed; a second one says that healing is left to the guards' own timers and ends the
// process.
#pragma once

#include <memory>
#include <stop_token>
#include <thread>

#include "harness/base/result.h"
#include "harness/base/time.h"

namespace harness::run {

class Interrupt {
 public:
  // Blocks SIGINT and SIGTERM in the calling thread; create it before other threads are started.
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return source_.get_token(); }

  // Asks to stop for another reason, such as the time limit; `exit_status` is then ours.
  void stop(int exit_status);
  // The same after a while, unless this object has gone before.
  void stop_after(Microseconds limit, int exit_status);
  // 0 while nothing asked; 130 for SIGINT, 143 for SIGTERM, or what stop() was given.
  int exit_status() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::stop_source source_;
  std::jthread thread_;
  std::jthread limit_;
};

}  // namespace harness::run
