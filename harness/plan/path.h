// Reading one path of a suite: two versions, and what is expected of the way between them.
#pragma once

#include <string>
#include <vector>

#include "harness/plan/suite.h"
#include "harness/yaml/reader.h"

namespace harness::plan {

Place place_of(const yaml::Value& value);

// `checks` are the names that `because` may hold.
Path read_path(const yaml::Value& value,
               const std::vector<std::string>& checks,
               yaml::Problems& problems);

}  // namespace harness::plan
