// When an apiserver counts as ready: the three ways of the releases, see Readiness in config.h.
#pragma once

#include <functional>

#include "harness/lab/standin/node.h"

namespace harness::standin {

// Starts what will open node.apiserver_ready. To be called at bootstrap, before there is a runtime
// or a manifest.
void start_readiness(Node& node);

// The way of servers up to 1.30.11: etcd first, then attempts of 30 s, each of them announced.
void wait_slowly(const Gate& etcd_ready, const std::function<bool()>& attempt);

}  // namespace harness::standin
