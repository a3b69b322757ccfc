// Durations as users write them, deadlines, and wall-clock stamps.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace harness {

using Microseconds = std::chrono::microseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

// "250ms", "15s", "2m", "8h", "100us"; a bare number, a sign or an unknown unit is an error.
Result<Microseconds> parse_duration(std::string_view text);
// The shortest exact form that parse_duration reads back: 1500ms, 90s, 2m.
std::string format_duration(Microseconds duration);

// RFC 3339 in UTC with microseconds, from microseconds since the epoch, and back.
std::string format_wall(std::int64_t wall_us);
Result<std::int64_t> parse_wall(std::string_view text);
std::int64_t wall_now_us();

// A point in time that work must not outlast. Copy it down the call chain; never restart it.
class Deadline {
 public:
  static Deadline after(std::chrono::nanoseconds duration) {
    return Deadline(std::chrono::steady_clock::now() +
                    std::chrono::duration_cast<std::chrono::steady_clock::duration>(duration));
  }

  explicit Deadline(SteadyTime at) : at_(at) {}

  SteadyTime at() const { return at_; }

  bool passed() const { return std::chrono::steady_clock::now() >= at_; }

  // Never negative; in milliseconds, as poll(2) and libraries want it.
  std::chrono::milliseconds left() const;
  // The earlier of this and `duration` from now.
  Deadline at_most(std::chrono::nanoseconds duration) const;

 private:
  SteadyTime at_;
};

}  // namespace harness
