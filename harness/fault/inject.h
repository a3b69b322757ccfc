// One fault from beginning to end: checks, arming, heartbeat, waiting, healing.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "harness/fault/injection.h"
#include "harness/fault/power_cut.h"

namespace harness::fault {

// What inject() has come to, in this order. `taken_back` is left out by a fault that does not last.
enum class Step { begun, checked, armed, known, taken_back, healed };

// "taken back"
std::string_view to_string(Step step);

struct InjectRequest {
  Fault fault;
  ArmRequest arm;
  Budget budget;
  bool expendable = false;               // what the inventory says
  std::optional<PowerMeans> power = {};  // where the inventory has `power`
  std::function<void(Step)> tell = {};   // each step as it is reached
};

// May it be done at all? refused: the cluster is not expendable, the node is not marked for it or
// is in quarantine, or the budget says no. Touches nothing.
Status preflight(const observe::Access& access,
                 cluster::Node& target,
                 const InjectRequest& request,
                 Deadline deadline);

// How long inject() may take on a node that answers: what the fault takes by itself, and five
// minutes for all around it.
std::chrono::milliseconds time_for(const Fault& fault);

struct Injected {
  Result<Outcome> outcome;
  HealReport healed;  // of all nodes; not clean: exit status 5
};

// preflight, arm, heartbeat until the record has an end, heal. An error before anything was armed
// is the result's; after that healing comes first, and the error is in `outcome`.
Result<Injected> inject(const observe::Access& access,
                        cluster::Node& target,
                        const InjectRequest& request,
                        const observe::Sink& sink,
                        Deadline deadline,
                        std::stop_token stop = {});

}  // namespace harness::fault
