// One trial as a picture: lanes per node for windows, the service's invocations, containers, faults
// and gaps of probes, against the wall clock. SVG, drawn from events alone.
#pragma once

#include <string>
#include <vector>

#include "harness/base/json.h"

namespace harness::report {

// All of the trial, and, when a fault took effect, a close-up of the seconds around it.
std::string timelines(const std::vector<Json>& events);

}  // namespace harness::report
