// How the second release of a hop is started, as suites, plans, events, verdicts and learned
// lengths write it: `restart: reboot` is each node's reboot, `restart: service`, or nothing, the
// service's restart on each node.
#pragma once

#include "harness/base/json.h"

namespace harness {

inline constexpr const char* kRestartKey = "restart";
inline constexpr const char* kByService = "service";
inline constexpr const char* kByReboot = "reboot";

bool is_by_reboot(const Json& object);
// Writes nothing for the service's restart.
void put_by_reboot(Json& object, bool by_reboot);

}  // namespace harness
