// Whether a node has the room that an install takes.
#pragma once

#include <string>
#include <vector>

#include "harness/cluster/node.h"
#include "harness/upgrade/artifacts.h"

namespace harness::upgrade {

// All space is asked for before anything is copied; paths on one file system share its space. A
// file that is copied lies in the landing until it is in its place; one does at a time.
// not_supported says which file system wants how much.
Status check_space(cluster::Node& node,
                   const std::string& stage,
                   const std::vector<Artifact>& missing,
                   const std::vector<Artifact>& all,
                   Deadline deadline);

}  // namespace harness::upgrade
