// How long kubelet holds back a container that died often, as events while it happens.
//
// kubelet's own log on the node is the source: it is there while the apiserver, whose pods' status
// says the same, is what is held back. Each event is {type: back-off, node, pod, container, uid,
// seconds, line, wall_us: when it was read, on the controller}. kubelet repeats itself every few
// seconds; an event comes only when the length changes or another kubelet says it. What the log
// held before the observer began is left out. A node that cannot be asked, or has no log yet, is
// asked again, and nothing is recorded of that.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "harness/observe/control_plane.h"
#include "harness/observe/sink.h"

namespace harness::observe {

// "back-off 1m20s restarting failed container=etcd ..." is 80 s; 0 when it is not about back-off.
std::int64_t back_off_us(std::string_view message);

struct BackOff {
  std::string pod;        // etcd-cp-1
  std::string container;  // etcd
  std::string uid;
  std::int64_t us = 0;
};

// From a line of kubelet's log, text or JSON; no value for any other line.
std::optional<BackOff> parse_back_off(std::string_view line);

// One node's log, read from where the last reading ended. For one thread.
class BackOffLog {
 public:
  explicit BackOffLog(cluster::Node& node) : node_(node) {}

  // The events since the last call; the first call only finds the end of the log.
  Result<std::vector<Json>> read(Deadline deadline);

 private:
  Json event_of(const BackOff& found, std::string_view line) const;
  void take(std::string_view text, std::vector<Json>& events);

  cluster::Node& node_;
  std::optional<std::int64_t> offset_;
  std::map<std::string, std::string> last_;  // container of a pod -> its length and kubelet's pid
};

class BackOffs {
 public:
  struct Options {
    std::chrono::milliseconds period{1000};
    std::chrono::milliseconds timeout{5000};
  };

  // One thread per node. The sink gets events until stop() returns.
  BackOffs(const Access& access, Options options, const Sink& sink);
  ~BackOffs();
  BackOffs(const BackOffs&) = delete;
  BackOffs& operator=(const BackOffs&) = delete;
  BackOffs(BackOffs&&) = delete;
  BackOffs& operator=(BackOffs&&) = delete;

  void stop();

 private:
  std::vector<std::jthread> threads_;
};

}  // namespace harness::observe
