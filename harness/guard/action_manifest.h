// A static pod's manifest moved away or rewritten for a while (swapped_file.h). After rke2 has
// begun anew it writes each of them itself: one that was moved is waited for, and put back only
// when rke2 has come to rest without it. kube-apiserver's is also waited for in the start in which
// it was moved, unless it was that start which had written it: the start takes that of the one
// before away until etcd is ready. No other is waited for there, as rke2 may itself wait for its
// pod.
#pragma once

#include <chrono>
#include <string>

#include "harness/guard/action_hold.h"

namespace harness::guard {

// how: move, uid (kubelet makes the pod anew), break (no manifest any more).
Result<Deed> take_manifest(const ArmRecord& record, const Means& means);
Result<std::string> release_manifest(const Json& held,
                                     const Means& means,
                                     std::chrono::milliseconds limit = std::chrono::minutes(3));

// The manifest with another pod UID; empty when it has none.
std::string with_other_uid(const std::string& manifest);

}  // namespace harness::guard
