// What the supervisor keeps in etcd about itself, and a short-lived etcd to read it while no member
// runs.
#pragma once

#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/lab/standin/paths.h"

namespace harness::standin {

// /bootstrap/<12 hex of the token's hash>
std::string bootstrap_key(const Paths& paths);
// The product keeps its authorities there, encrypted; the stand-in keeps their digests.
std::string bootstrap_data(const Paths& paths);

// Starts the node's own etcd program on a copy of the database, on 127.0.0.1:2399, asks it for the
// key, and ends it. An empty answer where the node has no such program.
Result<Json> ask_temporary_etcd(const Paths& paths,
                                const std::string& name,
                                const std::string& base64_key);

}  // namespace harness::standin
