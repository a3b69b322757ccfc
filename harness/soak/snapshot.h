// What a fault may have left on a node, read from the node itself: compared before and after, it
// shows a leak that no record tells of.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/cluster/node.h"

namespace harness::soak {

// Name -> what it says: nft tables and qdiscs of ours, digests of manifests and certificates,
// limits of the unit and of groups, mounts, filesystems that are full, processes that are stopped,
// files and units of ours, the clock against ours in whole seconds, and who keeps it.
using Snapshot = std::map<std::string, std::string>;

Result<Snapshot> take_snapshot(cluster::Node& node, const std::string& cluster, Deadline deadline);

// RKE2 renews a certificate that it finds ended, and the manifests that name its digest with it:
// those are what is there to stay. A manifest that is missing is not taken over.
void take_over_files(Snapshot& before, const Snapshot& now);

// A machine that boots takes its clock from its hardware, to the second: that much off is there to
// stay. What is further off is not taken over.
void take_over_clock(Snapshot& before, const Snapshot& now);

// "mounts: was 12, is 13"; empty: nothing was left.
std::vector<std::string> differences(const Snapshot& before, const Snapshot& after);

}  // namespace harness::soak
