// What starts on a server once an apiserver is ready: custom resource definitions, then, after the
// hooks, staged manifests and the runtime core.
#pragma once

#include "harness/base/json.h"
#include "harness/lab/standin/kube.h"
#include "harness/lab/standin/node.h"

namespace harness::standin {

void start_controllers(Node& node);
// Labels of this node's own Node object; waits for kubelet to register it.
void configure_node(const Node& node, Identity identity);
// One list, one write each, then a look at each until it is served. Empty, or why not in the words
// of the product's fatal line.
std::string register_definitions(Kube& kube);
// Labels and annotations of a server's Node object; etcd's are about its member.
Json server_marks(const Node& node);
// Sets them, which only a controller may.
void label_server(const Node& node);

}  // namespace harness::standin
