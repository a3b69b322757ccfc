// JSON values as the block YAML that manifests and etcd's configuration are written in, and the one
// look back into it.
#pragma once

#include <string>
#include <string_view>

#include "harness/base/json.h"

namespace harness::standin {

// Keys sorted, lists not indented, text quoted where it could be read as something else. Nulls are
// left out.
std::string to_yaml(const Json& value);

// metadata.uid of a pod manifest written by to_yaml; empty when there is none.
std::string uid_in(std::string_view manifest);
// metadata.annotations[key] of such a manifest, unquoted.
std::string annotation_in(std::string_view manifest, std::string_view key);

}  // namespace harness::standin
