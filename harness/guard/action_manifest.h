// A static pod's manifest moved away or rewritten, and put back as it was: content, owner, mode and
// security label. What RKE2 or an upgrade has written meanwhile is never overwritten, and after
// rke2 has begun anew an absent manifest is left to it, which writes each of them itself.
//
// No copy ever stands in the watched directory but under a name that begins with a dot, which
// kubelet does not read.
#pragma once

#include <string>

#include "harness/guard/action_hold.h"

namespace harness::guard {

// how: move, uid (kubelet makes the pod anew), break (no manifest any more).
Result<Deed> take_manifest(const ArmRecord& record, const Means& means);
Result<std::string> release_manifest(const Json& held, const Means& means);

// The manifest with another pod UID; empty when it has none.
std::string with_other_uid(const std::string& manifest);

}  // namespace harness::guard
