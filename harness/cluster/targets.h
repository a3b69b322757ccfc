// From the inventory's words to what SSH connects to.
#pragma once

#include "harness/base/result.h"
#include "harness/inventory/inventory.h"
#include "harness/ssh/target.h"

namespace harness::cluster {

// invalid_input when the jump host is not of the form [user@]host[:port].
Result<ssh::Target> target_of(const inventory::Node& node);

}  // namespace harness::cluster
