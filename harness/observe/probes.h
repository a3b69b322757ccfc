// Asks every server, at a fixed rate and each on its own loopback, whether it is well: readyz and
// livez of its apiserver, health and status of its etcd member. Each answer is one event `probe`.
//
// One thread per server and probe. A slow answer costs its own slots only; slots that passed
// meanwhile are dropped, never made up in a burst.
#pragma once

#include <chrono>
#include <thread>
#include <vector>

#include "harness/observe/control_plane.h"
#include "harness/observe/sink.h"

namespace harness::observe {

class Probes {
 public:
  struct Options {
    std::chrono::milliseconds period{100};
    std::chrono::milliseconds timeout{2000};
  };

  Probes(const Access& access, Options options, const Sink& sink);
  ~Probes();
  Probes(const Probes&) = delete;
  Probes& operator=(const Probes&) = delete;
  Probes(Probes&&) = delete;
  Probes& operator=(Probes&&) = delete;

  void stop();

 private:
  std::vector<std::jthread> threads_;
};

}  // namespace harness::observe
