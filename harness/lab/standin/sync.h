// Whether the sandboxes of etcd and kube-apiserver are those of the manifests on disk. Old ones are
// removed.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/lab/standin/cri.h"
#include "harness/lab/standin/node.h"

namespace harness::standin {

// What kubelet thinks of a pod's sandboxes: the newest one, and whether a new one is needed.
struct SandboxView {
  bool new_needed = true;
  std::string newest;  // id; empty when there is none
};

SandboxView view_of(const std::vector<Sandbox>& sandboxes_of_pod);

// Empty: the pod is in place, or there is no manifest. Otherwise why not, in the words of the
// product's log. `present` is false when there is no manifest.
std::string check_pod(SandboxRuntime& runtime,
                      const std::filesystem::path& manifest,
                      bool& present);

// Returns when both are in place: a look at once, then every 20 s; fatal after 30 minutes.
void sync_static_pods(const Node& node);

}  // namespace harness::standin
