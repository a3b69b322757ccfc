// A static pod's manifest moved away or rewritten for a while (swapped_file.h). After rke2 has
// begun anew an absent manifest is left to it, which writes each of them itself.
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
