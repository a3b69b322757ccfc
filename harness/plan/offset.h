// How a suite writes an offset: a text that aim::parse_offset takes, or a sweep with its limits:
//
//   offset: [0%, 50%, -200ms, {sweep: {resolution: 50ms, count: 40, time: 2h, confidence: 95%}}]
#pragma once

#include "harness/plan/suite.h"
#include "harness/yaml/reader.h"

namespace harness::plan {

// What is wrong becomes a problem with its place.
OffsetChoice read_offset(const yaml::Value& value, yaml::Problems& problems);

// A sweep whose `count` ends it before the suite's hits can all have come is a problem at `hits`.
void check_sweeps(const Suite& suite, const yaml::Value& hits, yaml::Problems& problems);

}  // namespace harness::plan
