// The controller's part of `reboot how=power`: the trigger on the node says that the moment has
// come, and this cuts the power, sees that it is off, and gives it back.
//
// The way back is in the ledger on this machine's disk before the fault is armed, and leaves it
// when the power is seen on again. What it cannot do: a node without power undoes nothing by
// itself, so when this machine dies in between the node stays off until `hookshot heal` runs on it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "harness/cluster/node.h"
#include "harness/fault/fault.h"
#include "harness/observe/sink.h"
#include "harness/power/control.h"
#include "harness/power/ledger.h"

namespace harness::fault {

// How a run may cut power.
struct PowerMeans {
  const power::Control& control;
  const power::Ledger& ledger;
};

class PowerCut {
 public:
  struct Order {
    std::string cluster;
    std::string id;  // of the guard's record
    std::string run;
  };

  // For a fault on the node: prepared, as prepare() says; null where no power is to be cut.
  // not_supported: it is, and the inventory does not say how.
  static Result<std::unique_ptr<PowerCut>> of(const Fault& fault,
                                              cluster::Node& node,
                                              const std::optional<PowerMeans>& means,
                                              Order order,
                                              observe::Sink sink,
                                              Deadline deadline);

  PowerCut(cluster::Node& node, PowerMeans means, Order order, observe::Sink sink);
  // Ends the wait; a cut that has begun is finished first.
  ~PowerCut();
  PowerCut(const PowerCut&) = delete;
  PowerCut& operator=(const PowerCut&) = delete;
  PowerCut(PowerCut&&) = delete;
  PowerCut& operator=(PowerCut&&) = delete;

  // Before arming: the state command says on, the node's clock is asked, the ledger is written.
  Status prepare(Deadline deadline);
  // After arming: waits for the moment, on a thread of its own.
  void begin();
  // The wait is over, and so is a cut: power is on, or the error says what is the matter. What was
  // cut goes to the sink as an event `power`. No value: the moment never came.
  Result<std::optional<std::string>> finish();

 private:
  void follow(const std::stop_token& stop);
  void cut(const Json& moment, std::int64_t told_us);
  void note(Json event);

  cluster::Node& node_;
  const PowerMeans means_;
  const Order order_;
  const observe::Sink sink_;
  Microseconds offset_{0};  // node's clock minus ours
  Microseconds error_{0};
  std::optional<exec::UniqueFd> noted_;  // the ledger's entry, ours while we live

  std::mutex mutex_;
  std::optional<std::string> summary_;
  Status problem_;
  std::jthread thread_;
};

}  // namespace harness::fault
