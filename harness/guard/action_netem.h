// A slow and lossy network to the other nodes: netem in a band of its own, below a root qdisc of
// ours, which only marked packets take. The mark is set by a table of the packet filter whose
// elements are timed, so what stands too long slows nothing any more.
//
// Only what leaves the node is slowed, SSH never. A device whose root qdisc somebody has set up is
// refused; what has another handle than ours is never deleted.
#pragma once

#include <string>
#include <vector>

#include "harness/guard/action_hold.h"
#include "harness/guard/qdisc.h"

namespace harness::guard {

inline constexpr const char* kRootHandle = "7a57:";
inline constexpr const char* kNetemHandle = "7a58:";

// "netem limit 10000 delay 100000us 20000us loss 5%": the words after netem's handle.
std::string netem_words(const Action& action);
// What `tc -batch -` is given for one device.
std::string qdisc_text(const std::string& device, const Action& action);

// not_supported, with the reason, where the kernel has no netem, prio or fw: tried on the loopback
// of a network namespace that is gone with it.
Status check_netem(const Action& action, const Means& means);
Result<Deed> strike_netem(const ArmRecord& record, const Means& means);
// "prio 7a57: on eth0": what bears one of our handles, whoever put it there. None where there is no
// tc; an error when it gives no answer in time.
Result<std::vector<std::string>> qdiscs_left(const Means& means);
// Deletes the device's root qdisc where that bears our handle, and reads it back.
Result<std::string> delete_root(const std::string& device, const Means& means);
Result<std::string> release_netem(const Json& held, const Means& means);

}  // namespace harness::guard
