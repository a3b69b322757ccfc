// Whether two runs say anything about each other.
#pragma once

#include "harness/base/result.h"
#include "harness/report/report.h"

namespace harness::compare {

// invalid_input where they do not: a run and itself, one that has not finished, the lab's
// stand-in and a real rke2.
Status comparable(const report::Model& before, const report::Model& after);

}  // namespace harness::compare
