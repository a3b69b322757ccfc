// The static pods of the control plane, with the arguments that Kubernetes 1.20 takes.
#pragma once

#include "harness/base/result.h"
#include "harness/lab/standin/manifest.h"
#include "harness/lab/standin/node.h"

namespace harness::standin {

PodArgs apiserver_pod(const Node& node);
PodArgs controller_manager_pod(const Node& node);
PodArgs scheduler_pod(const Node& node);

}  // namespace harness::standin
