// From where the node pulls a registry's images: the registry, and the mirrors that RKE2 has
// written for containerd from its registries.yaml.
#pragma once

#include <string>
#include <vector>

#include "harness/base/names.h"
#include "harness/guard/hosts_toml.h"

namespace harness::guard {

// The names that are pulled from in its stead: of docker.io these are others.
std::vector<std::string> names_behind(const std::string& host);

// The registry first, at its port, or at 443 and 80 where it has none; then the hosts of hosts.toml
// in the directory that containerd takes for it, which is that of `_default` where it has none of
// its own. not_supported with file and line where containerd's files say something else.
Result<std::vector<PullHost>> pull_hosts(const HostPort& registry, const std::string& data_dir);

}  // namespace harness::guard
