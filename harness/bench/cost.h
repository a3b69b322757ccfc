// What the guard takes of the node while nothing happens, read from /proc.
#pragma once

#include <chrono>

#include "harness/bench/aim.h"

namespace harness::bench {

struct Share {
  double core = 0;  // per cent of one
  std::int64_t peak_kb = 0;
  std::int64_t resident_kb = 0;
};

struct Cost {
  Share rest;           // `guard watch` alone, which follows the node during a run
  Share watch_armed;    // the same while a trigger waits
  Share trigger_armed;  // the waiting trigger

  double armed_core() const { return watch_armed.core + trigger_armed.core; }

  // The largest of the processes.
  std::int64_t resident_kb() const;
  std::int64_t peak_kb() const;
};

// `span` twice: at rest, and with an armed trigger whose marker never comes.
Result<Cost> measure_cost(const Bench& bench, std::chrono::seconds span);

}  // namespace harness::bench
