// Static pods that must not run any more, removed before a start: after a forced restart, on a node
// that lost its etcd identity, on a node that is no server any more.
#pragma once

#include <set>
#include <string>

#include "harness/base/result.h"
#include "harness/lab/standin/node.h"

namespace harness::standin {

// Which components are to go; empty when there is nothing to do. Takes the stamp `force-restart`
// away.
std::set<std::string> pods_to_clean_up(const Node& node);
// Deletes their manifests and removes their sandboxes, by a containerd that runs for this purpose
// only.
Status clean_up_static_pods(const Node& node);

}  // namespace harness::standin
