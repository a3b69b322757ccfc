// Static pods of a server, read from the manifests and from containerd: never from the apiserver,
// whose mirror pods lag behind and outlive what they mirror.
#pragma once

#include <map>
#include <mutex>
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

// Of one node. What containerd says of a container stays the same while it is there, so it is asked
// once for each. Safe from several threads.
class StaticPods {
 public:
  explicit StaticPods(cluster::Node& node) : node_(node) {}

  Result<std::vector<StaticPod>> read(Deadline deadline);

 private:
  // As containerd says it, without what nobody here reads.
  Result<Json> container(const std::string& id, Deadline deadline);
  void keep_only(const std::vector<std::string>& ids);

  cluster::Node& node_;
  std::mutex mutex_;
  std::map<std::string, Json> containers_;  // by id
};

Json to_json(const StaticPod& pod);

}  // namespace harness::observe
