// One fault of a trial, from its record to its evidence: armed on its node for its window, awaited,
// and cut short where nothing waits for it any more.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/cluster/cluster.h"
#include "harness/fault/injection.h"
#include "harness/fault/power_cut.h"
#include "harness/observe/control_plane.h"
#include "harness/observe/sink.h"
#include "harness/plan/plan.h"
#include "harness/run/lookout.h"

namespace harness::run {

// Where the faults of a trial fall, and what they may do there.
struct StrikeSite {
  cluster::Cluster& cluster;
  const observe::Access& access;
  std::string run_id;
  std::stop_token stop;
  bool may_fill_root = false;
  std::optional<fault::PowerMeans> power = {};  // where the inventory has `power`
};

class Strike {
 public:
  struct Order {
    std::string record;
    std::string case_name;
    std::string target;
    std::string fault;
    fault::Params params;
    aim::Anchor anchor;
    std::string window;  // with its aim, for a window of another node
    aim::Aim aim;
    plan::Seen seen = {};
    bool after_previous = false;  // armed when the fault before it is over
    bool next_boot = false;
  };

  // Looks node and fault up; touches nothing.
  static Result<std::unique_ptr<Strike>> of(const StrikeSite& site,
                                            const Order& order,
                                            observe::Sink sink);

  // The addresses of other nodes, where the fault needs them.
  Status find_peers(Deadline deadline);
  // Its way back is noted before anything is armed.
  Status arm(Deadline deadline);
  // It will not be armed, and why.
  void give_up(std::string why);
  // What never reached the guard has no record but this event; outcome: missed or unsupported.
  void tell(const char* outcome, const std::string& reason);
  // Every event of the nodes' streams, from any thread.
  void saw(const Json& event);
  // Waits for the record's end; what it did, or why it did nothing.
  Result<std::string> await();
  // No further word is given and no further power cut; a cut that has begun is finished.
  void end_waits();

  const fault::Fault& fault() const { return fault_; }

  cluster::Node& node() const { return node_; }

  const std::string& record() const { return order_.record; }

  bool after_previous() const { return order_.after_previous; }

  // Also when the answer to its arming was lost: then it may be there.
  bool armed() const;
  // It stays until it is taken back.
  bool lasts() const;

  // The other node whose window it waits for; null: its own.
  const cluster::Node* seen() const { return lookout_ ? &lookout_->seen() : nullptr; }

 private:
  Strike(const StrikeSite& site,
         Order order,
         cluster::Node& node,
         fault::Fault fault,
         observe::Sink sink);
  Result<fault::Outcome> outcome();

  const StrikeSite& site_;
  const Order order_;
  cluster::Node& node_;
  const fault::Fault fault_;
  const observe::Sink sink_;
  std::vector<std::string> addresses_;
  std::unique_ptr<Lookout> lookout_;
  std::unique_ptr<fault::PowerCut> power_;
  mutable std::mutex mutex_;
  bool armed_ = false;
  std::string never_;  // why it was not armed
};

}  // namespace harness::run
