// The agent half of a start, which servers have too: certificates, runtime, images, kubelet.
#pragma once

#include "harness/base/result.h"
#include "harness/lab/standin/node.h"
#include "harness/lab/standin/pki.h"

namespace harness::standin {

// Returns when kubelet is started.
Status start_agent(Node& node, pki::Issuer& issuer);

// SIGTERM and SIGINT end the process as the product ends: its containerd is killed, status 1. To be
// called before any thread is started.
void end_on_signal();

}  // namespace harness::standin
