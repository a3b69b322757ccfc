// Looks at fixed distances from its making, as the tickers of the product's language do: one tick
// that was missed is made up for at once, further ones are dropped.
#pragma once

#include <chrono>

#include "harness/base/eventually.h"
#include "harness/base/time.h"

namespace harness::standin {

class Ticker {
 public:
  explicit Ticker(std::chrono::nanoseconds period,
                  SteadyTime start = std::chrono::steady_clock::now())
      : period_(std::chrono::duration_cast<SteadyTime::duration>(period)), next_(start + period_) {}

  // Takes the next tick: how long after `now` it comes.
  SteadyTime::duration take(SteadyTime now) {
    const SteadyTime::duration left = next_ > now ? next_ - now : SteadyTime::duration::zero();
    do {
      next_ += period_;
    } while (next_ <= now);
    return left;
  }

  void wait() { paced(take(std::chrono::steady_clock::now()), {}); }

 private:
  SteadyTime::duration period_;
  SteadyTime next_;
};

}  // namespace harness::standin
