// Does containerd pull by a proxy? Told by the environment of its process, as Go reads it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/guard/action_hold.h"
#include "harness/guard/hosts_toml.h"

namespace harness::guard {

using Environment = std::map<std::string, std::string, std::less<>>;

// Of /proc/<pid>/environ. Of rke2, `for_containerd` is what it gives to containerd.
Environment environment_of(std::string_view environ, bool for_containerd = false);

// The variable that sends requests to this host by a proxy; empty: none does.
std::string proxied_by(const Environment& environment,
                       std::string_view scheme,
                       const std::string& host,
                       int port);

// Host and port of a proxy's URL, and never its credentials.
std::string place_of_proxy(std::string_view url);

// not_supported where one of them is reached by a proxy. Else what was looked at, for the evidence:
// containerd's environment, that of rke2 before containerd runs, or why there is neither.
Result<std::string> check_no_proxy(const std::vector<PullHost>& hosts,
                                   const std::string& unit,
                                   const Means& means);

}  // namespace harness::guard
