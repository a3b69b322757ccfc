// A static pod's manifest that kubelet sees late: its open of the file is held back by the kernel
// (held_opens.h). kubelet reads all manifests in one row, so that what comes after it waits, too.
#pragma once

#include <functional>
#include <string>

#include "harness/guard/action_hold.h"

namespace harness::guard {

// In force from the effect on, until the fault's time is over; returns when kubelet has opened the
// manifest and waits. An error when it has not by then, or `abandoned` said that nobody wants it
// any more. `is_kubelet`: of a process.
Result<Struck> delay_manifest(const ArmRecord& record,
                              const Means& means,
                              const std::function<bool()>& abandoned,
                              const std::function<bool(int pid)>& is_kubelet);
Status check_delay(const ArmRecord& record);
// Nobody holds kubelet back any more.
Result<std::string> release_delayed(const Json& held, const Means& means);

// kubelet as rke2 has started it, by the programs that both run.
bool is_kubelet_of_rke2(int pid);

}  // namespace harness::guard
