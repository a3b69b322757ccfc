// The benchmark's result for a reader and for a program.
#pragma once

#include <string>

#include "harness/bench/aim.h"
#include "harness/bench/cost.h"

namespace harness::bench {

struct Setup {
  std::string node;
  std::string kernel;
  int cpus = 0;
  // Of the node's last minute, when the trials began and when they were over.
  double load_before = 0;
  double load_after = 0;
  int trials = 0;
  std::uint64_t seed = 0;
};

std::string table(const Setup& setup, const MeasuredWays& measured, const Cost& cost);
Json report(const Setup& setup, const MeasuredWays& measured, const Cost& cost);

}  // namespace harness::bench
