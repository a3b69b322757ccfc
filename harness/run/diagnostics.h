// What a human wants to see of the nodes after a trial, fetched into the trial's folder: the unit's
// journal of the last half hour, kubelet's and containerd's logs (their ends). Redacted. What
// cannot be fetched is said in the file's place.
#pragma once

#include <filesystem>

#include "harness/cluster/cluster.h"

namespace harness::run {

void collect_diagnostics(cluster::Cluster& cluster,
                         const std::filesystem::path& directory,
                         Deadline deadline);

}  // namespace harness::run
