// kubelet as a child of this process, and the network configuration without which its node is not
// Ready.
#pragma once

#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/lab/standin/node.h"

namespace harness::standin {

std::vector<std::string> kubelet_args(const Node& node);
Status write_network(const Node& node);
// Starts it, and again 5 s after each of its ends.
void start_kubelet(const Node& node);

}  // namespace harness::standin
