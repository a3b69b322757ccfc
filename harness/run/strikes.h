// The faults of one trial, from the first check to their evidence: armed before the step, or one
// after the other, kept alive, awaited. Each is a record of its own on its node.
//
// It heals nothing by itself but what a stop leaves armed; the trial's heal does.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "harness/cluster/cluster.h"
#include "harness/fault/injection.h"
#include "harness/fault/power_cut.h"
#include "harness/observe/sink.h"
#include "harness/plan/plan.h"
#include "harness/run/lookout.h"

namespace harness::run {

class Strikes {
 public:
  struct Site {
    cluster::Cluster& cluster;
    const observe::Access& access;
    std::string run_id;
    std::stop_token stop;
    bool may_fill_root = false;
    std::optional<fault::PowerMeans> power = {};  // where the inventory has `power`
  };

  Strikes(Site site, const plan::Case& cell, const plan::Shot& shot, int trial, observe::Sink sink);

  // Looks nodes and faults up; touches nothing.
  Status prepare();
  // Arms what does not wait for another fault, and stands by to arm the rest. Refused when a node
  // is not ours to hurt or the damage budget would be overdrawn by all of them together.
  Status arm();
  // Every event of the nodes' streams, from any thread: what waits for another node's window goes
  // by them.
  void saw(const Json& event);
  // Waits for the end of every record. What was never armed goes to the sink as a miss with its
  // reason. The text says what the faults did.
  Result<std::string> await();
  // On a stop: takes back what is armed, now.
  void disarm();
  // Ends the heartbeat and whatever still waits to be armed.
  void stop();

  // As `trial.started` tells of the further faults.
  Json companions() const;

 private:
  struct One {
    fault::Fault fault;
    cluster::Node* node = nullptr;
    aim::Anchor anchor;
    std::string record;
    std::vector<std::string> addresses = {};  // of other nodes, where the fault needs them
    bool after_previous = false;
    bool next_boot = false;
    bool armed = false;
    std::string never = {};                       // why it was not armed
    std::unique_ptr<Lookout> lookout = {};        // its window is another node's
    std::unique_ptr<fault::PowerCut> power = {};  // the controller cuts it
  };

  // Of a further fault, by its place in the case.
  std::string record_of(std::size_t companion) const;
  const aim::Anchor& anchor_of(std::size_t companion) const;

  Status check(Deadline deadline);
  // Where its window is another node's.
  Status look_out(One& one, const plan::Seen& seen, const std::string& window, const aim::Aim& aim);
  // Servers that start in somebody's window and are hurt by nobody themselves.
  std::vector<const cluster::Node*> starting() const;
  // No further word is given and no further power cut; a cut that has begun is finished.
  void end_waits();
  Status arm_one(One& one, Deadline deadline);
  void arm_in_turn(const std::stop_token& over);
  // What never reached the guard has no record but this event.
  void tell(const One& one, const char* outcome, const std::string& reason);
  Result<fault::Outcome> outcome_of(const One& one);
  Result<std::string> text_of(One& one);
  std::vector<cluster::Node*> nodes() const;

  const Site site_;
  const plan::Case& cell_;
  const plan::Shot& shot_;
  const int trial_;
  observe::Sink sink_;
  mutable std::mutex mutex_;  // armed, never
  std::vector<One> all_;
  std::unique_ptr<fault::Heartbeat> heartbeat_;
  std::jthread in_turn_;
};

// The id of the guard's record for a trial: lower case letters, digits and dashes, unique in the
// run. Further faults have a letter behind it.
std::string record_id(const std::string& run_id, const plan::Case& cell, int trial);

}  // namespace harness::run
