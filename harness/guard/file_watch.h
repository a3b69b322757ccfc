// Manifests and containers, seen the moment they change.
//
// Manifests: RKE2 writes `agent/pod-manifests/X.yaml` by rename and deletes it; there is no log
// line for either. Containers: a running task has a bundle directory under /run/k3s/containerd; its
// config.json names pod and container, its init.pid the process, and a pidfd tells the instant of
// its end. Both directories may not exist yet, vanish, and come back.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "harness/base/json.h"
#include "harness/guard/system.h"

namespace harness::guard {

using Take = std::function<void(Json)>;

// An inotify descriptor on one directory that need not exist; looks for it again every now and
// then.
class DirectoryWatch {
 public:
  DirectoryWatch(std::string path, std::uint32_t mask);
  ~DirectoryWatch();
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

  const std::string& path() const { return path_; }

  int fd() const { return inotify_; }

  // True when the directory has (re)appeared since the last call: its content must be read anew.
  bool refresh();

  struct Change {
    std::uint32_t mask = 0;
    std::string name;
  };

  std::vector<Change> changes();

 private:
  std::string path_;
  std::uint32_t mask_;
  int inotify_ = -1;
  int watch_ = -1;
};

class ManifestWatch {
 public:
  explicit ManifestWatch(const std::string& data_dir);

  int fd() const { return watch_.fd(); }

  // `initial` true: also the files that are there already, marked "initial".
  void poll(bool initial, const Take& take);

 private:
  void tell(const char* op, const std::string& file, bool initial, const Take& take) const;
  DirectoryWatch watch_;
};

struct Container {
  std::string id;
  std::string pod;   // the container's name: etcd, kube-apiserver
  std::string kind;  // container, sandbox
  std::string sandbox;
  std::string pod_uid;
  std::string name_space;
  int pid = 0;
  int pidfd = -1;
  std::int64_t start_ticks = 0;
};

class ContainerWatch {
 public:
  explicit ContainerWatch(
      std::string root = "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io");
  ~ContainerWatch();
  ContainerWatch(const ContainerWatch&) = delete;
  ContainerWatch& operator=(const ContainerWatch&) = delete;

  void poll(bool initial, const Take& take);
  // The running container of this name in kube-system, the newest if there are several; null if
  // none.
  const Container* running(const std::string& pod) const;

  const std::map<std::string, Container>& all() const { return running_; }

 private:
  bool adopt(const std::string& id, bool initial, const Take& take);
  void reap(const Take& take);

  DirectoryWatch watch_;
  std::map<std::string, Container> running_;
  std::set<std::string> pending_;  // bundle there, init.pid not yet
};

}  // namespace harness::guard
