// The disk under one static pod made slow, by the kernel's own limit on that pod's cgroup. Nothing
// but that pod is slowed, and with the cgroup the limit is gone.
#pragma once

#include <functional>
#include <string>

#include "harness/guard/action_hold.h"

namespace harness::guard {

// "iops": reads and writes a second on the whole disk that holds the pod's data. Proved by reading
// the limit back. not_supported without cgroup v2's io controller, or where the filesystem is no
// partition of one disk. `cgroups`: /sys/fs/cgroup; `devices`: /sys/dev/block.
Result<Deed> throttle_disk(const ArmRecord& record,
                           const Container& target,
                           const Means& means,
                           const std::string& cgroups = "/sys/fs/cgroup",
                           const std::string& devices = "/sys/dev/block");
// `write`: to the kernel's file, which says nothing of a disk any more that has no limit.
// invalid_input, with nothing written, where the file that `held` names is no io.max below
// `cgroups`: a record may be damaged.
Result<std::string> release_throttled(
    const Json& held,
    const Means& means,
    const std::function<Status(const std::string& file, const std::string& text)>& write =
        write_once,
    const std::string& cgroups = "/sys/fs/cgroup");

// "8:16" of the disk that the device belongs to: a partition has no limit of its own.
Result<std::string> whole_disk(unsigned major, unsigned minor, const std::string& devices);

}  // namespace harness::guard
