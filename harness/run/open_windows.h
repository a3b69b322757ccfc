// The windows that a trial's faults were aimed at, while they are open.
//
// A cluster may be well again before a window closes: 1.30.12 is ready long before its last static
// pod is synced. What nobody saw close proves no hit, so a trial ends after its windows.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/base/time.h"

namespace harness::run {

class OpenWindows {
 public:
  // Before the first event.
  void follow(const std::string& node, const std::string& window);
  // Every event of the trial, from any thread; returns at once.
  void saw(const Json& event);
  // Empty: none of them is open. "static-pod-sync on cp-1"
  std::string open() const;
  // Until none is. timed_out: which still was; refused: a stop.
  Status await_closed(Deadline deadline, const std::stop_token& stop);

 private:
  std::string open_now() const;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::pair<std::string, std::string>, bool> open_;  // node and window
};

}  // namespace harness::run
