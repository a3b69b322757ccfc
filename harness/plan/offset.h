// How a suite writes an offset: a text that aim::parse_offset takes, or a sweep with its limits:
//
//   offset: [0%, 50%, -200ms, {sweep: {resolution: 50ms, count: 40, time: 2h, confidence: 95%}}]
#pragma once

#include "harness/plan/suite.h"
#include "harness/yaml/reader.h"

namespace harness::plan {

// What is wrong becomes a problem with its place.
OffsetChoice read_offset(const yaml::Value& value, yaml::Problems& problems);

}  // namespace harness::plan
