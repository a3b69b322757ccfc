// A comparison for people and for pipelines.
#pragma once

#include <string>

#include "harness/compare/comparison.h"
#include "harness/report/report.h"

namespace harness::compare {

// The verdict first, then a table of the lines, then what was not compared and what to keep in
// mind.
std::string to_markdown(const Comparison& comparison,
                        const report::Model& before,
                        const report::Model& after);
// The table alone.
std::string table_of(const Comparison& comparison);
// Everything. A recovery that never came is null.
Json to_json(const Comparison& comparison, const report::Model& before, const report::Model& after);

}  // namespace harness::compare
