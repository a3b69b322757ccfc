// The faults of one trial, from the first check to their evidence: armed before the step, or one
// after the other, kept alive, awaited. Each is a record of its own on its node.
//
// It heals nothing by itself but what a stop leaves armed; the trial's heal does.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "harness/run/strike.h"

namespace harness::run {

class Strikes {
 public:
  Strikes(StrikeSite site,
          const plan::Case& cell,
          const plan::Shot& shot,
          int trial,
          observe::Sink sink);

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
  Status add(const Strike::Order& order);
  // Of a further fault, by its place in the case.
  std::string record_of(std::size_t companion) const;
  const plan::Shot& shot_of(std::size_t companion) const;
  bool in_next_boot(const plan::Companion& one) const;

  Status check(Deadline deadline);
  // Servers that start in somebody's window and are hurt by nobody themselves.
  std::vector<const cluster::Node*> starting() const;
  void arm_in_turn(const std::stop_token& over);
  Status arm_after(const Strike& previous, Strike& one, const std::stop_token& over);
  void end_waits();
  std::vector<cluster::Node*> nodes() const;

  const StrikeSite site_;
  const plan::Case& cell_;
  const plan::Shot& shot_;
  const int trial_;
  observe::Sink sink_;
  std::vector<std::unique_ptr<Strike>> all_;
  std::unique_ptr<fault::Heartbeat> heartbeat_;
  std::jthread in_turn_;
};

// The id of the guard's record for a trial: lower case letters, digits and dashes, unique in the
// run. Further faults have a letter behind it.
std::string record_id(const std::string& run_id, const plan::Case& cell, int trial);

}  // namespace harness::run
