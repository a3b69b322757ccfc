// How soon a fault follows its marker, three ways, on one node: by the guard's trigger, by a shell
// loop behind `journalctl -f` on the node, and by a controller that reads the same over SSH. And
// how close to a planned offset the guard comes.
//
// Each trial writes one marker line from a unit to its standard output and waits for the end of a
// victim process. All stamps are the node's CLOCK_MONOTONIC. Nothing is judged.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "harness/base/seed.h"
#include "harness/bench/distribution.h"
#include "harness/bench/node_client.h"
#include "harness/cluster/node.h"
#include "harness/ssh/session.h"

namespace harness::bench {

// The last two are the guard's again, at a planned offset behind the marker: by its quickest way to
// kill, and by `ctr`, which is what kill-pod does by default.
enum class Way { guard, journalctl, ssh, guard_planned, guard_planned_task };
inline constexpr std::array<std::string_view, 5> kWays = {
    "guard", "journalctl", "ssh", "guard_planned", "guard_planned_task"};

constexpr bool is_planned(Way way) {
  return way == Way::guard_planned || way == Way::guard_planned_task;
}

// Of all ways alike: the writer's stamp before it writes, journald's stamp of the line, the
// killer's before the signal, and the end of the victim as the node-side program saw it.
struct Trial {
  std::int64_t written_us = 0;
  std::int64_t marker_us = 0;
  std::int64_t seen_us = 0;  // the guard's, when it had read the line
  std::int64_t action_us = 0;
  std::int64_t effect_us = 0;
  std::optional<std::int64_t> offset_us = {};  // planned, from the marker
  std::string lost;                            // why it tells nothing; empty for a complete one
};

// The shortest window for which hits are promised.
inline constexpr std::int64_t kShortWindowUs = 50'000;

struct Measured {
  Distribution written_to_action;
  Distribution marker_to_action;
  Distribution action_to_effect;
  Distribution marker_to_effect;
  // The guard's alone.
  Distribution marker_to_seen;
  Distribution seen_to_action;
  // Only of trials with a planned offset, which are in none of the others.
  Distribution planned_to_action;
  Distribution planned_to_effect;
  int within_short_window = 0;  // the effect, counted from the marker
  int lost = 0;
  std::string last_loss;

  // A trial whose stamps do not follow one another is lost too.
  void add(const Trial& trial);
  // Of all trials, lost ones included.
  double short_window_percent() const;
};

using MeasuredWays = std::array<Measured, kWays.size()>;

struct Bench {
  std::string cluster;
  std::string run;  // names the guard's records and is part of each marker
  std::string sudo;
  cluster::Node& node;
  ssh::Session& session;
  NodeSide& side;
};

// Ways take turns, and each round begins with another. An error means that the benchmark itself
// could not go on: the connection is gone, or the node could not be cleaned after a trial. A node
// on which no container can be made loses the trials by `ctr`.
Result<MeasuredWays> measure_aim(const Bench& bench,
                                 int trials,
                                 const Seed& seed,
                                 const std::function<void(int)>& progress);

}  // namespace harness::bench
