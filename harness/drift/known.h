// suites/windows/lines/*.yaml: `known`, a list of globs over messages.
#pragma once

#include <string>
#include <vector>

#include "harness/base/result.h"

namespace harness::drift {

// Every mistake with file, line and column.
Result<std::vector<std::string>> load_known(const std::string& directory);

}  // namespace harness::drift
