// Asks every server, at a fixed rate and each on its own loopback, whether it is well: readyz and
// livez of its apiserver, health and status of its etcd member. Each answer is one event `probe`.
//
// One thread per server and probe. A slow answer costs its own slots only; slots that passed
// meanwhile are dropped, never made up in a burst.
#pragma once

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "harness/observe/control_plane.h"
#include "harness/observe/sink.h"

namespace harness::observe {

// When the next question is due: the first slot after now. Slots lie a period apart.
SteadyTime next_slot(SteadyTime slot, SteadyTime now, std::chrono::milliseconds period);

// What one question of one probe brought.
struct ProbeSight {
  std::string node;
  std::string probe;  // readyz, livez, etcd-health, etcd-status
  Outcome outcome = Outcome::unreachable;
  std::string detail;

  // It says nothing about the product, so that a trial would have nothing to judge by.
  bool blind() const;
};

// Each probe of each server once, servers at the same time and in order; for the question whether a
// trial could see anything at all. Takes no longer than the deadline, and than a probe's time-out
// for each probe.
std::vector<ProbeSight> can_see(const Access& access, Deadline deadline);

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
