// How soon a fault follows its marker, three ways, on one node: by the guard's trigger, by a shell
// loop behind `journalctl -f` on the node, and by a controller that reads the same over SSH.
//
// Each trial writes one marker line from a unit to its standard output and waits for the end of a
// victim process. All stamps are the node's CLOCK_MONOTONIC. Nothing is judged.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "harness/base/seed.h"
#include "harness/bench/distribution.h"
#include "harness/cluster/node.h"
#include "harness/ssh/session.h"

namespace harness::bench {

enum class Way { guard, journalctl, ssh };
inline constexpr std::array<std::string_view, 3> kWays = {"guard", "journalctl", "ssh"};

struct Measured {
  Distribution marker_to_action;
  Distribution action_to_effect;
  Distribution marker_to_effect;  // the effect as the node-side program saw it, for all ways alike
  int misses = 0;
  std::string last_miss;
};

struct Share {
  double core = 0;  // per cent of one
  std::int64_t peak_kb = 0;
  std::int64_t resident_kb = 0;
};

struct GuardUsage {
  Share rest;           // `guard watch` alone, which follows the node during a run
  Share watch_armed;    // the same while a trigger waits
  Share trigger_armed;  // the waiting trigger
};

// The program on the node that makes units, victims and stamps; its end takes them away.
class NodeSide {
 public:
  static Result<std::unique_ptr<NodeSide>> start(ssh::Session& session, const std::string& sudo);
  Result<Json> ask(const Json& request, Deadline deadline);
  // The two halves of ask(), for what must happen in between.
  Status send(const Json& request, Deadline deadline);
  Result<Json> receive(Deadline deadline);

 private:
  explicit NodeSide(std::unique_ptr<ssh::LineChannel> lines) : lines_(std::move(lines)) {}

  std::unique_ptr<ssh::LineChannel> lines_;
};

struct Bench {
  std::string cluster;
  std::string run;  // names the guard's records
  std::string sudo;
  cluster::Node& node;
  ssh::Session& session;
  NodeSide& side;
};

Result<GuardUsage> measure_usage(const Bench& bench, std::chrono::seconds span);

// Ways take turns, and each round begins with another. A trial whose victim outlived the limit is a
// miss; an error means that the benchmark itself could not go on.
Result<std::array<Measured, 3>> measure_aim(const Bench& bench,
                                            int trials,
                                            const Seed& seed,
                                            const std::function<void(int)>& progress);

}  // namespace harness::bench
