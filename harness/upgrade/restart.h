// The operator's restart of the service or of the node, and the wait until the node is whole again.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "harness/base/result.h"
#include "harness/base/version.h"
#include "harness/observe/control_plane.h"
#include "harness/observe/unit_state.h"

namespace harness::upgrade {

struct RestartOutcome {
  bool ok = false;  // systemd's job succeeded or, when it was lost, the unit came up by itself
  // "done", "lost" when the connection went away under it, "rebooted" when that was asked for, or
  // systemd's word for why it did not succeed: "failed", "timeout" (the job's own), "dependency",
  // "assert", ...
  std::string job_result;
  int exit_status = 0;    // of systemctl; meaningless when lost
  std::string text;       // what systemctl said
  bool rebooted = false;  // the boot id changed while it ran
  observe::UnitState before;
  observe::UnitState after;
  Microseconds duration{0};
};

// `systemctl restart <unit>`, blocking as an operator's would. A failed job is an outcome, not an
// error. When the connection is lost (the node reboots under it) the node is waited for, and the
// outcome is read from its unit, invocation and boot id. Errors: the node did not come back, or no
// outcome before the deadline, with what was last seen; somebody else canceled the job
// (remote_failed); a stop, which ends the wait at once and leaves the job to systemd (refused).
Result<RestartOutcome> restart(cluster::Node& node, Deadline deadline, std::stop_token stop = {});

// `systemctl reboot`, and the wait until the node is in another boot and its unit at rest there: ok
// says that it is active. Errors as above; a node that stays in its boot is one at the deadline.
Result<RestartOutcome> reboot(cluster::Node& node, Deadline deadline, std::stop_token stop = {});

// Until the unit is active, the supervisor (a server) says ready, the node's own apiserver (a
// server) is ready, and the cluster shows the node Ready at the version's kubelet version. Connects
// again when it must.
Status wait_ready(const observe::Access& access,
                  cluster::Node& node,
                  const Version& version,
                  Deadline deadline,
                  std::stop_token stop = {});

}  // namespace harness::upgrade
