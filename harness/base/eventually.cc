#include "harness/base/eventually.h"

#include <algorithm>

#include <fmt/format.h>

namespace harness {

bool paced(std::chrono::nanoseconds period, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, period, [] { return false; });
  return stop.stop_requested();
}

Status eventually(const std::string& what,
                  Deadline deadline,
                  std::chrono::milliseconds period,
                  const std::function<Result<Observation>()>& look,
                  std::stop_token stop) {
  while (true) {
    TRY_ASSIGN(Observation observation, look(), what);
    if (observation.done) {
      return {};
    }
    if (deadline.passed()) {
      return fail(ErrorCode::timed_out,
                  fmt::format("{}: the deadline passed; last seen: {}",
                              what,
                              observation.seen.empty() ? "nothing" : observation.seen));
    }
    if (paced(std::min(period, deadline.left() + std::chrono::milliseconds(1)), stop)) {
      return fail(ErrorCode::refused,
                  fmt::format("{}: interrupted; last seen: {}", what, observation.seen));
    }
  }
}

}  // namespace harness
