// Static pods of a server, read from the manifests and from containerd: never from the apiserver,
// whose mirror pods lag behind and outlive what they mirror.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/cluster/node.h"

namespace harness::observe {

struct ContainerInfo {
  std::string id;
  std::string image;
  std::int64_t pid = 0;
  std::int64_t started_wall_us = 0;
  std::string sandbox;
  std::string pod_uid;
};

struct SandboxInfo {
  std::string id;
  std::string pod_uid;
  bool ready = false;
};

struct StaticPod {
  std::string pod;           // etcd, kube-apiserver, ...
  std::string manifest_uid;  // empty: there is no manifest
  std::vector<SandboxInfo> sandboxes;
  std::vector<ContainerInfo> containers;  // those that run

  // One ready sandbox, the manifest's, and a container running in it.
  bool matches() const;
  std::string describe() const;
};

// metadata.uid of a manifest, YAML or JSON; empty when there is none.
std::string manifest_uid(std::string_view text);
// The id and pid of each running task of `ctr tasks list`.
std::vector<std::pair<std::string, std::int64_t>> running_tasks(std::string_view text);

Result<std::vector<StaticPod>> read_static_pods(cluster::Node& node, Deadline deadline);
Json to_json(const StaticPod& pod);

}  // namespace harness::observe
