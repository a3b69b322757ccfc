// A filesystem filled by one file without a name: whoever holds it, be it ended by a signal, a time
// limit or a reboot, the kernel gives its space back, and there is no file to forget.
#pragma once

#include <string>

#include "harness/guard/action_hold.h"

namespace harness::guard {

// what: etcd (its database's filesystem), images, logs. "keep_free_mb" is left. not_supported
// for the root filesystem, and for one that others have a part of, unless "may_fill_root" is 1.
// Proved by a write that ends in ENOSPC.
Result<Struck> fill_disk(const ArmRecord& record, const Means& means);
// The same refusal beforehand, of a folder that is there already; touches nothing.
Status check_fill(const ArmRecord& record, const Means& means);
// Nobody holds the file any more.
Result<std::string> release_filled(const Json& held, const Means& means);

// The folder that `what` stands for.
std::string folder_of(const std::string& what, const std::string& data_dir);

}  // namespace harness::guard
