// A lab node's power: off takes it as a machine's power goes, without a shutdown; on starts it
// again from what is on its disk. What the kernel of this machine holds in memory is not lost with
// it.
#pragma once

#include <filesystem>
#include <string>

#include "harness/base/result.h"
#include "harness/exec/runner.h"
#include "harness/lab/cgroup.h"

namespace harness::lab {

// True: on, which is that its supervisor runs. invalid_input when there is no such lab or node.
Result<bool> power_state(const std::string& name, const std::string& node);
// Returns when no process of the node is left; off already is fine.
Status power_off(const std::string& name, const std::string& node);
// Returns when its supervisor runs, which is before it answers; on already is fine.
Status power_on(exec::CommandRunner& runner, const std::string& name, const std::string& node);
// The same with control groups that are said; a scope makes none by our own hand.
Status power_on(exec::CommandRunner& runner,
                const std::string& name,
                const std::string& node,
                const CgroupLayout& layout);

// The hookshot that an inventory's `power` runs: this program if it is one, else the one built
// beside it; empty when there is none.
std::filesystem::path power_program();

}  // namespace harness::lab
