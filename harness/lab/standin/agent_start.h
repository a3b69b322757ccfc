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
// The first warnings of a start: what this is, and what of config.yaml is not done. An error for a
// profile that there is not.
Status heed_config(const Config& config);

}  // namespace harness::standin
