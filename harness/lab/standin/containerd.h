// containerd as a child of this process, and the images that it is given before kubelet starts.
#pragma once

#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/lab/standin/node.h"

namespace harness::standin {

std::string containerd_config(const Node& node,
                              bool restrict_oom_score,
                              const std::string& snapshotter);

// What is started, and what the log says that is started.
std::vector<std::string> containerd_argv(const Paths& paths);
// Writes the configuration and starts the child; whenever it ends, this process ends with it.
// Returns when it answers.
Status start_containerd(const Node& node);
// Waits for a runtime that somebody else runs.
void wait_for_runtime(const Node& node);
// Blocks until every archive in agent/images is imported and the runtime knows its images.
Status import_images(const Node& node);

// SIGKILL to the child, for an orderly end of this process.
void stop_containerd();

}  // namespace harness::standin
