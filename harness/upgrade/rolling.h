// Bringing a cluster to a version: the order, the steps, and the quiet afterwards.
//
// Each step puts step.started and step.finished into the sink, with what the job said.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/observe/sink.h"
#include "harness/upgrade/install_method.h"
#include "harness/upgrade/restart.h"

namespace harness::upgrade {

struct SettleOptions {
  std::chrono::milliseconds quiet{5000};  // no restart, no new invocation, no change of containers
  std::chrono::milliseconds period{500};
  bool wait_for_back_off = true;  // kubelet's crash back-off of earlier trials must have run out
  // Wall clock: a node is well only with a lease renewed since. It stays Ready for a while after
  // its kubelet has died. 0: any lease will do.
  std::int64_t leases_since_us = 0;
};

struct Rollout {
  const observe::Access& access;
  const InstallMethod& method;
  observe::Sink sink;
  std::stop_token stop;
  bool in_place = false;   // roll() restarts and installs nothing
  bool by_reboot = false;  // roll() reboots the node in place of restarting its service
  // Limits of a single step; the caller's deadline holds in any case.
  std::chrono::seconds install_limit{600};
  std::chrono::seconds restart_limit{1200};
  std::chrono::seconds ready_limit{600};
  SettleOptions settle{};
};

// Servers first, then agents, each in inventory order.
std::vector<cluster::Node*> rolling_order(const std::vector<cluster::Node*>& nodes);

// Whether a node runs the version: disk, running process and kubelet.
struct NodeVersion {
  std::string disk;
  std::string running;  // from the current invocation's `Starting rke2` line
  std::string kubelet;  // as the cluster shows it
  bool matches(const Version& version) const;
  std::string describe() const;
};

Result<NodeVersion> read_version(const observe::Access& access,
                                 cluster::Node& node,
                                 Deadline deadline);

struct NodeUpgrade {
  RestartOutcome restart;
  std::string not_ready;  // what was last seen when the limit passed; empty: the node is ready

  bool ok() const { return restart.ok && not_ready.empty(); }
};

// One node: install (unless in place), restart or reboot, wait until ready. What the product does
// is in the result: a job that fails or does not end, a node that does not get ready. A failed job
// does not end the wait: systemd starts the service again, as an operator would see. Errors are the
// harness's or the lab's: artifacts, space, a connection that stays lost.
Result<NodeUpgrade> upgrade_node(const Rollout& rollout,
                                 cluster::Node& node,
                                 const Version& version,
                                 Deadline deadline);

// The whole cluster in rolling order. `go_on` is asked before each node; false stops half-way,
// which is not an error, and so does a node that is not ready. Returns the nodes that were done.
Result<std::vector<std::pair<std::string, NodeUpgrade>>> roll(
    const Rollout& rollout,
    const Version& version,
    Deadline deadline,
    const std::function<bool(const cluster::Node&)>& go_on = {});

// The path's first version on every node, settled. Installs and restarts only where needed;
// forwards, or backwards within one minor line (further is refused: etcd's data would not go back).
Status bring_to(const Rollout& rollout, const Version& version, Deadline deadline);

struct Settled {
  Microseconds duration{0};
  std::string
      waited_for;  // what took longest, e.g. "back-off of etcd on cp-1: 40s"; empty: nothing
};

// Until the cluster is healthy and quiet: every unit active, every static pod's sandbox its
// manifest's, etcd healthy with all its voters, every node Ready, nothing restarted for a stretch.
Result<Settled> settle(const observe::Access& access,
                       const SettleOptions& options,
                       Deadline deadline,
                       std::stop_token stop = {});

}  // namespace harness::upgrade
