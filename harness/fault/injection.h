// Arming, keeping alive, awaiting and healing of faults. The guard on the node does the harm and
// takes it back; this side asks, watches, and makes sure that nothing is left.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "harness/event/span.h"
#include "harness/fault/budget.h"
#include "harness/fault/fault.h"
#include "harness/observe/sink.h"

namespace harness::fault {

struct Trigger {
  std::optional<event::WindowDef> window;  // none: at once
  Microseconds offset{0};
  bool any_invocation = false;  // also in the invocation that runs while arming
  bool next_boot = false;       // sleeps until the node boots, and for that boot only
  bool at_word = false;         // fires at the guard's verb `go`; the window's name is only told
};

struct ArmRequest {
  std::string
      id;  // [a-z0-9-], at most 64; a node never takes an id twice, so the run's is part of it
  std::string run;
  std::string case_name;
  std::string cluster;
  Trigger trigger;
  // At least half a minute more than the fault lasts.
  std::chrono::milliseconds ttl{600'000};
  std::chrono::milliseconds lease{15'000};
  bool may_fill_root = false;               // --allow-root-fill
  std::vector<std::string> addresses = {};  // of other nodes, where the fault needs them (peers.h)
};

// A record of the guard after it reached an end.
struct Outcome {
  std::string outcome;  // "applied", "missed", "unsupported", "expired"
  std::string state;    // the guard's
  std::string reason;
  std::string evidence;  // one line
  Json record;
};

// The allow marker and the quarantine, as the node's guard sees them: refused unless the node is
// marked for this cluster.
Status check_allowed(cluster::Node& node, const std::string& cluster, Deadline deadline);

// Arms the fault; budget and marker have been checked by the caller. On any error nothing is armed
// that will not undo itself: the guard's own lease sees to it. refused: it needs other nodes, and
// the request has none. A reboot without a window that takes the connection with it is no error:
// await() finds its record, or says that there is none.
Status arm(cluster::Node& node, const Fault& fault, const ArmRequest& request, Deadline deadline);

// Renews the lease of all records on the nodes until destroyed. A node that cannot be reached is
// tried again: its own lease is the safety, not this thread.
class Heartbeat {
 public:
  Heartbeat(const std::vector<cluster::Node*>& nodes,
            const std::string& cluster,
            std::chrono::milliseconds period);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;
  Heartbeat(Heartbeat&&) = delete;
  Heartbeat& operator=(Heartbeat&&) = delete;
  void stop();

 private:
  std::vector<std::jthread> threads_;
};

// Waits until the record has an end; connects again after a reboot. An applied fault without
// evidence is an internal error. timed_out carries the record's last state. The record goes to the
// sink as a `fault` event too: what ends while a node is down, no stream ever shows.
Result<Outcome> await(cluster::Node& node,
                      const std::string& cluster,
                      const std::string& id,
                      const observe::Sink& sink,
                      Deadline deadline,
                      std::stop_token stop = {});

// As await, for a fault aimed at a window. Time is up and the node, connected, still has the record
// ARMED: the window never opened. That is a miss and no error; it goes to the sink as one.
Result<Outcome> await_window(cluster::Node& node,
                             const std::string& cluster,
                             const std::string& id,
                             const observe::Sink& sink,
                             Deadline deadline,
                             std::stop_token stop = {});

// Waits until the record, applied before, is undone and verified.
Status await_undone(cluster::Node& node,
                    const std::string& cluster,
                    const std::string& id,
                    Deadline deadline,
                    std::stop_token stop = {});

// Why a guard's record was taken back, when a controller asked for it: "reverted_because".
inline constexpr std::string_view kAskedByController = "asked by the controller";

struct HealedRecord {
  std::string node;
  std::string id;
  std::string state;  // VERIFIED, or what stands in its way
  std::string summary;
};

struct HealReport {
  std::vector<HealedRecord> records;  // what was found and undone
  std::vector<std::string> dirty;     // "cp-1: why": these nodes are not clean; exit status 5

  bool clean() const { return dirty.empty(); }
};

// Undoes everything armed on all nodes and has it verified. Goes on past a node that fails.
// Idempotent. `run` limits it to one run's records; empty is all.
HealReport heal(const std::vector<cluster::Node*>& nodes,
                const std::string& cluster,
                const std::string& run,
                const observe::Sink& sink,
                Deadline deadline);

}  // namespace harness::fault
