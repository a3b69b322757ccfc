// What is said of many durations: the extremes and the nearest-rank percentiles, which are values
// that were really seen. And the processor's share and memory, read from /proc.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace harness::bench {

class Distribution {
 public:
  void add(std::int64_t us) { values_.push_back(us); }

  std::size_t size() const { return values_.size(); }

  // The smallest value that at least `percent` of all values do not exceed; 0 percent is the
  // smallest value. Of an empty distribution, 0.
  std::int64_t percentile(int percent) const;
  // {min, p50, p90, p99, max, n}; only n when there is nothing.
  Json to_json() const;

 private:
  std::vector<std::int64_t> values_;
};

// A process at one moment.
struct Usage {
  std::int64_t ticks = 0;  // user and system, its ended children's too, of /proc/PID/stat
  std::int64_t peak_kb = 0;
  std::int64_t resident_kb = 0;
  std::int64_t mono_us = 0;
};

// From the texts of /proc/PID/stat and /proc/PID/status. remote_failed when a field is not there.
Result<Usage> usage_from(std::string_view stat, std::string_view status, std::int64_t mono_us);
// Per cent of one core between the two moments; 0 when no time passed.
double share_of_core(const Usage& from, const Usage& to, std::int64_t ticks_per_second);

}  // namespace harness::bench
