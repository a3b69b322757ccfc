// Where the other nodes of a cluster are, for the faults that cut a node off from them.
#pragma once

#include <string>
#include <vector>

#include "harness/cluster/node.h"
#include "harness/fault/fault.h"
#include "harness/observe/control_plane.h"

namespace harness::fault {

// The addresses that the fault's action needs; none where it needs none. What the cluster says of
// itself comes first (etcd's peer URLs, or the Nodes), then the inventory's where it is an address.
// refused: there is no other node, or etcd's peers are wanted of a node that has no etcd.
Result<std::vector<std::string>> peer_addresses(const observe::Access& access,
                                                cluster::Node& target,
                                                const Fault& fault,
                                                Deadline deadline);

}  // namespace harness::fault
