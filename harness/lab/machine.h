// A node as a running thing: started under its supervisor, waited for, installed, ended.
#pragma once

#include <chrono>
#include <stop_token>

#include "harness/exec/runner.h"
#include "harness/lab/cgroup.h"
#include "harness/lab/lab.h"
#include "harness/lab/state.h"

namespace harness::lab {

// Starts scripts/lab/node or scripts/lab/vm for it, which outlives this process, and returns when
// that has said that it runs.
Status start_machine(exec::CommandRunner& runner,
                     const Record& record,
                     const PlannedNode& node,
                     const CgroupLayout& layout);

// Until ssh lets us in. The error shows the end of the console when the machine is gone.
Status wait_for_ssh(exec::CommandRunner& runner,
                    const Record& record,
                    const PlannedNode& node,
                    Deadline deadline,
                    std::stop_token stop);

// Until its rke2 unit is active: a virtual machine's means that etcd is healthy.
Status wait_for_unit(exec::CommandRunner& runner,
                     const Record& record,
                     const PlannedNode& node,
                     Deadline deadline,
                     std::stop_token stop);

// Runs the release's own install.sh on the node and starts its unit.
Status install_release(exec::CommandRunner& runner, const Record& record, const PlannedNode& node);

// Until its unit is active and the first server calls the node Ready.
Status wait_for_ready(exec::CommandRunner& runner,
                      const Record& record,
                      const PlannedNode& node,
                      Deadline deadline,
                      const Progress& progress,
                      std::stop_token stop);

// Ends supervisors and everything in the nodes' control groups, removes links, file systems, the
// inventory and the record, and looks again. True when something was there.
Result<bool> take_down(exec::CommandRunner& runner, const Record& record, const Progress& progress);

// What of a lab is still on this machine, in words. `net` and `proc` are /sys/class/net and /proc.
std::vector<std::string> what_is_left(const Record& record,
                                      const std::filesystem::path& net = "/sys/class/net",
                                      const std::filesystem::path& proc = "/proc");

// rke2-server.service or rke2-agent.service.
std::string unit_of(const PlannedNode& node);

}  // namespace harness::lab
