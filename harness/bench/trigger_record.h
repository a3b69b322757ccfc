// Records that the benchmark arms: what the guard is told, asked and made to take back.
#pragma once

#include <cstdint>
#include <string>

#include "harness/base/json.h"
#include "harness/base/time.h"
#include "harness/bench/aim.h"

namespace harness::bench {

// Opens at the line that has this message, in an invocation of the unit that is yet to begin, and
// fires so long after it.
struct Armed {
  std::string id;
  std::string unit;
  std::string message;
  Json action;
  std::int64_t offset_us = 0;
};

// What the guard is told of it.
Json record_of(const std::string& run,
               const std::string& cluster,
               const std::string& data_dir,
               const Armed& armed);
Status arm(const Bench& bench, const Armed& armed);
// Its record once it has an outcome; timed_out says which state it was in.
Result<Json> ended_record(const Bench& bench, const std::string& id);
// internal when the guard could not: nothing more may be armed then.
Status revert(const Bench& bench, const std::string& id);

}  // namespace harness::bench
