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
#include <vector>

#include <poll.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/guard/system.h"

namespace harness::guard {

using Take = std::function<void(Json)>;

// The facts' own clock: taken when the thing was seen, not when it was told.
Json stamped(Json fact, const Now& stamp);

// An inotify descriptor on one directory that need not exist; looks for it again at every call.
class DirectoryWatch {
 public:
  // How the kernel's events are read: read(2), but for tests.
  using Read = std::function<ssize_t(int fd, void* into, std::size_t size)>;

  DirectoryWatch(std::string path, std::uint32_t mask, Read read = ::read);
  ~DirectoryWatch();
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

  const std::string& path() const { return path_; }

  int fd() const { return inotify_; }

  struct Change {
    std::uint32_t mask = 0;
    std::string name;
  };

  // What happened, in order. Call before refresh().
  std::vector<Change> changes();

  enum class Sight { same, absent, anew };
  // anew: the directory has (re)appeared, or changes were lost: its content must be read again.
  Sight refresh();

 private:
  void lose();

  std::string path_;
  std::uint32_t mask_;
  Read read_;
  int inotify_ = -1;
  int watch_ = -1;
  bool overflowed_ = false;
};

class ManifestWatch {
 public:
  explicit ManifestWatch(const std::string& data_dir, DirectoryWatch::Read read = ::read);

  int fd() const { return watch_.fd(); }

  // `initial` true, on the first call: also the files that are there already, marked "initial".
  void poll(bool initial, const Take& take);

 private:
  // Tells one state of a file apart from the next.
  struct Identity {
    std::uint64_t inode = 0;
    std::int64_t changed_ns = 0;
    std::int64_t size = -1;
    bool operator==(const Identity&) const = default;
  };

  enum class Told { news, initial, silent };
  Identity identity(const std::string& file) const;
  void written(const std::string& file, Told told, const Now& stamp, const Take& take);
  void removed(const std::string& file, const Now& stamp, const Take& take);
  void compare(Told told, const Now& stamp, const Take& take);

  DirectoryWatch watch_;
  std::map<std::string, Identity> known_;
  bool began_ = false;
};

struct Container {
  std::string id;
  std::string pod;       // the container's name: etcd, kube-apiserver
  std::string pod_name;  // the pod's: etcd-cp-1
  std::string kind;      // container, sandbox
  std::string sandbox;
  std::string pod_uid;
  std::string name_space;
  int pid = 0;
  int pidfd = -1;
  std::int64_t start_ticks = 0;

  // A static pod's only container bears its name, its mirror is called <pod>-<node>, and its UID is
  // the 32 hex digits that RKE2 wrote into its manifest; the apiserver's own have dashes. A container
  // "etcd" of somebody else's pod is not etcd's, nor "helm" of a chart's job helm's.
  bool static_pod() const;
};

// Facts `container`, and once `container-problem` {line} when the kernel gives no pidfd.
class ContainerWatch {
 public:
  struct Options {
    std::string root = "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io";
    std::string proc = "/proc";
    std::function<int(int)> open_pidfd = pidfd_open;
    DirectoryWatch::Read read = ::read;
  };

  ContainerWatch() : ContainerWatch(Options{}) {}

  explicit ContainerWatch(Options options);
  ~ContainerWatch();
  ContainerWatch(const ContainerWatch&) = delete;
  ContainerWatch& operator=(const ContainerWatch&) = delete;

  // `initial` as for manifests.
  void poll(bool initial, const Take& take);
  // What to wait on: any of them is readable when poll() has something to do.
  void wait_on(std::vector<pollfd>& watched) const;
  // The running container of this static pod in kube-system, the newest if there are several; null
  // if none.
  const Container* running(const std::string& pod) const;

  const std::map<std::string, Container>& all() const { return running_; }

 private:
  bool adopt(const std::string& id, bool initial, const Take& take);
  bool hold(Container& container, const Take& take);
  void reap(const Take& take);

  Options options_;
  DirectoryWatch watch_;
  std::map<std::string, Container> running_;
  std::set<std::string> pending_;  // bundle there, init.pid not yet
  bool told_problem_ = false;
};

// The pod UID that RKE2 has written into a manifest, YAML or JSON; empty when it has none.
std::string uid_of(const std::string& manifest);

}  // namespace harness::guard
