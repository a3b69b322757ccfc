// A short-lived etcd on a copy of the database, to read it while no member runs.
#pragma once

#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/lab/standin/paths.h"

namespace harness::standin {

// The etcd that the runtime image brings, with its loader and libraries, since a node's own may be
// too old for the database.
std::filesystem::path temporary_etcd_folder(const Paths& paths);

// Starts it on 127.0.0.1:2399, asks it for the range, and ends it. An error where there is no such
// program or no database.
Result<Json> ask_temporary_etcd(const Paths& paths, const std::string& name, const Json& range);

}  // namespace harness::standin
