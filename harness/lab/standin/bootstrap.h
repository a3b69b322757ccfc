// What the supervisor keeps in etcd about itself: its authorities, keys and users, each with the
// time at which its file was changed. The product keeps it encrypted with the token; the stand-in
// keeps it plain.
#pragma once

#include <string>
#include <string_view>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/lab/standin/config.h"
#include "harness/lab/standin/paths.h"

namespace harness::standin {

// /bootstrap/<12 hex of the token's hash>. The token is the configuration's, or the one on disk.
std::string bootstrap_key(const Config& config, const Paths& paths);
// Every file that is there: its content and the time of its last change.
std::string bootstrap_data(const Paths& paths);

// Asks etcd for all keys below /bootstrap/.
Json bootstrap_range();
// The value of `key` in the answer; empty when nothing is kept. An error when only another token's
// is.
Result<std::string> bootstrap_value(const Json& answer, const std::string& key);

// Holds the files against what was kept. One that differs is written back, unless it was changed 3
// s or more after what is kept: then refused, in the product's words.
Status reconcile_files(const Paths& paths, std::string_view kept);
// Writes every file that is kept, with the time that is kept, for a server that has none yet.
Status write_bootstrap_files(const Paths& paths, std::string_view kept);

}  // namespace harness::standin
