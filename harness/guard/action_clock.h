// The node's clock set to another time, and back by the clock that nobody sets: what it would have
// been, had it gone on. Whatever keeps the time in step is stopped meanwhile, never disabled.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "harness/guard/action_hold.h"

namespace harness::guard {

// Units that keep a clock in step, whether the node has them or not.
inline constexpr std::array kTimeKeepers = {"chronyd.service",
                                            "chrony.service",
                                            "systemd-timesyncd.service",
                                            "ntpd.service",
                                            "ntp.service",
                                            "ntpsec.service"};

struct Clocks {
  std::function<std::int64_t()> wall_us;
  std::function<std::int64_t()> boot_us;
  std::function<Status(std::int64_t wall_us)> set;
  static Clocks of_this_node();
};

// "offset_ms": forward or back. not_supported in a container, which has the clock of its host.
Result<Deed> jump_clock(const ArmRecord& record,
                        const Means& means,
                        const Clocks& clocks = Clocks::of_this_node());
// invalid_input, with nothing touched, where `held` names a unit that keeps no clock in step.
Result<std::string> release_clock(const Json& held,
                                  const Means& means,
                                  const Clocks& clocks = Clocks::of_this_node());

}  // namespace harness::guard
