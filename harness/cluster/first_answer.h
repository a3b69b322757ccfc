// What one node of a cluster knows and the others wait for, while all of them are being connected
// at once: may the guard of another build be replaced? It says so when it is connected; the others
// wait only when they need it, and at most for half the time that they have left.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

#include "harness/base/result.h"
#include "harness/base/time.h"

namespace harness::cluster {

class FirstAnswer {
 public:
  using Ask = std::function<Status(Deadline)>;

  // Once. `how`: asked by whoever waits, possibly by several at once.
  void say(Ask how);
  // What it says; no objection when it says nothing in time: a node that is dead carries no run.
  Status ask(Deadline deadline);

 private:
  std::mutex mutex_;
  std::condition_variable said_;
  std::optional<Ask> how_;
};

}  // namespace harness::cluster
