// Which faults of one case may be armed on a node at the same time. Harm is never stacked on harm
// that is not undone: what is over at once may stand side by side, and what lasts stands alone, but
// for a stretch, which changes only how long things take: a slowed service, a manifest that kubelet
// sees late, or a frozen kube-apiserver, for which the rest waits. The latter stands beside a kill
// of another pod alone: what else there is would end it, or hurt what waits already.
#pragma once

#include <string>

#include "harness/guard/protocol.h"

namespace harness::guard {

// Why `record` cannot be armed while `other` is; empty: it can.
std::string stands_in_the_way(const ArmRecord& other, const ArmRecord& record);

}  // namespace harness::guard
