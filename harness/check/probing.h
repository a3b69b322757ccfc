// What a row of probe answers says. An answer that is not ok, or none in time, is a fact about the
// product; one that was refused, could not reach the node, or came from the wrong process says only
// that we did not see.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/check/check.h"

namespace harness::check {

enum class Sight { ok, down, blind };
Sight sight_of(const Probe& probe);

// When it was ok for good, counted from `reference_us`.
struct Recovered {
  Finding finding;         // pass, or why not; the reason names neither probe nor node
  std::int64_t at_us = 0;  // controller; with pass only
};

Recovered recovered(const std::vector<Probe>& probes,
                    std::int64_t reference_us,
                    std::int64_t budget_us);

// The longest stretch without an ok answer. `certain` counts only from the first to the last answer
// that was not ok with no blind one between; `possible` is all of it.
struct Gap {
  std::int64_t certain_us = 0;
  std::int64_t possible_us = 0;
  std::string detail;  // what was answered in the longest one
};

Gap longest_gap(const std::vector<Probe>& probes, std::int64_t from_us);

}  // namespace harness::check
