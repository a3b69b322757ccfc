// When an apiserver counts as ready: the three ways of the releases, see Readiness in config.h.
#pragma once

#include "harness/lab/standin/node.h"

namespace harness::standin {

// Starts what will open node.apiserver_ready. To be called at bootstrap, before there is a runtime
// or a manifest.
void start_readiness(Node& node);

}  // namespace harness::standin
