// The queueing disciplines of the node's devices, as tc lists them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/guard/action_hold.h"

namespace harness::guard {

inline constexpr std::chrono::milliseconds kTcLimit{10'000};

struct Qdisc {
  std::string device;
  std::string kind;
  std::string handle;
  std::string parent;        // empty: the root
  std::int64_t packets = 0;  // that it has met: sent on, dropped or still held
};

// What `tc -j -s qdisc show` prints.
Result<std::vector<Qdisc>> qdiscs_of(const std::string& json);
Result<std::vector<Qdisc>> read_qdiscs(const Means& means);
// Null when there is none.
const Qdisc* find_qdisc(const std::vector<Qdisc>& all,
                        const std::string& device,
                        const std::string& kind,
                        const std::string& handle);
// refused, with its name, where somebody has set a qdisc of the device up.
Status check_untouched(const std::vector<Qdisc>& all, const std::string& device);

// What tc said instead, in one line.
std::string said_by_tc(const Finished& finished);

}  // namespace harness::guard
