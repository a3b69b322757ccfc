// When a watch looks again: at once when a descriptor is ready, and else at a pace, often while
// something happens and for a while after, seldom at rest.
#pragma once

#include <cstdint>
#include <vector>

#include <poll.h>

namespace harness::guard {

class Pace {
 public:
  struct Periods {
    std::int64_t busy_us = 10'000;
    std::int64_t rest_us = 50'000;
    std::int64_t calm_us = 2'000'000;  // without news, until it is rest
  };

  Pace() : Pace(Periods{}) {}

  explicit Pace(Periods periods) : periods_(periods) {}

  // Something happened at this instant.
  void news(std::int64_t mono_us) { busy_until_ = mono_us + periods_.calm_us; }

  std::int64_t next(std::int64_t mono_us) const {
    return mono_us + (mono_us < busy_until_ ? periods_.busy_us : periods_.rest_us);
  }

 private:
  Periods periods_;
  std::int64_t busy_until_ = 0;
};

// True when a descriptor became ready before this instant of CLOCK_MONOTONIC.
bool ready_before(std::vector<pollfd>& watched, std::int64_t mono_us);

}  // namespace harness::guard
