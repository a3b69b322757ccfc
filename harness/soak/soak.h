// Plays rounds on one node of a cluster that may be hurt, and looks for what they leave behind.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "harness/cluster/cluster.h"
#include "harness/observe/control_plane.h"
#include "harness/soak/round.h"
#include "harness/soak/snapshot.h"

namespace harness::soak {

struct Limits {
  int rounds = 200;
  std::chrono::minutes time{600};  // no round begins after it
};

struct Target {
  std::string hookshot;        // the program that is killed
  std::string inventory;       // what it is given
  bool may_fill_root = false;  // the node's root filesystem is its own
};

class Soak {
 public:
  // The first snapshot is taken here; refused, and nothing else is, when the node is not clean.
  static Result<Soak> begin(const cluster::Cluster& cluster, Target target);

  // Ends with the first leak, as what follows one proves nothing. An error: the soak itself could
  // not go on.
  Result<Soaked> play(Draw draw,
                      const Limits& limits,
                      const std::function<void(const Round&)>& tell,
                      const std::stop_token& stop);

 private:
  Soak(const cluster::Cluster& cluster, cluster::Node& node, Target target, Snapshot before);

  Status round(Round& round);
  Status await_lease();
  Result<std::string> by_program(const Round& round);
  Result<std::string> by_library(Round& round);
  Status mishap(Round& round, const std::string& id);
  Status reboot();
  // The last record's undo found that RKE2 had written a file itself meanwhile.
  bool written_anew();
  // Waits until nothing is armed and nothing differs; what still does in the end is the leak.
  Result<std::vector<std::string>> left(Mishap mishap);

  const cluster::Cluster& cluster_;
  cluster::Node& node_;
  observe::Access access_;
  Target target_;
  Snapshot before_;
};

}  // namespace harness::soak
