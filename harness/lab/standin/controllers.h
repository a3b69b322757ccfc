// What starts on a server once an apiserver is ready: custom resource definitions, then, after the
// hooks, staged manifests and the runtime core.
#pragma once

#include "harness/lab/standin/node.h"

namespace harness::standin {

void start_controllers(Node& node);
// Labels of this node's own Node object; waits for kubelet to register it.
void configure_node(const Node& node, Identity identity);
// The labels of a server, which only a controller may set.
void label_server(const Node& node);

}  // namespace harness::standin
