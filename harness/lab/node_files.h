// Makes an image a node: the files of its own that lie over the image, and the lab's keys.
#pragma once

#include "harness/base/result.h"
#include "harness/exec/runner.h"
#include "harness/lab/state.h"

namespace harness::lab {

// The client key of the lab: id_ed25519 in its folder.
Status make_client_key(exec::CommandRunner& runner, const Record& record);

// The node's folder with all that it needs to start, and its line in the lab's known_hosts.
Status make_node_files(exec::CommandRunner& runner, const Record& record, const PlannedNode& node);

}  // namespace harness::lab
