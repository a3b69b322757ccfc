// Waiting on a condition. There is no other kind of waiting in this project.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "harness/base/result.h"
#include "harness/base/time.h"

namespace harness {

struct Observation {
  bool done = false;
  std::string seen;  // what was observed, in the operator's words; shown when the deadline passes
};

// Calls `look` until it says done, an error comes back, the deadline passes (timed_out, with the
// last thing seen), or a stop is requested (refused, "interrupted"). Between looks it waits for
// `period`, ended early by the stop token.
Status eventually(const std::string& what,
                  Deadline deadline,
                  std::chrono::milliseconds period,
                  const std::function<Result<Observation>()>& look,
                  std::stop_token stop = {});

// Blocks until the period is over or a stop is requested; true when stopped. For loops that sample
// at a fixed rate (probes, heartbeats), never to wait for something to become true.
bool paced(std::chrono::nanoseconds period, const std::stop_token& stop);

}  // namespace harness
