// The benchmark's result for a reader and for a program.
#pragma once

#include <array>
#include <string>

#include "harness/bench/aim.h"

namespace harness::bench {

struct Setup {
  std::string node;
  std::string kernel;
  int trials = 0;
  std::uint64_t seed = 0;
};

std::string table(const Setup& setup,
                  const std::array<Measured, 3>& measured,
                  const GuardUsage& usage);
Json report(const Setup& setup, const std::array<Measured, 3>& measured, const GuardUsage& usage);

}  // namespace harness::bench
