// May this fault be injected now? etcd itself is asked; nobody's opinion of it is.
#pragma once

#include <string>
#include <vector>

#include "harness/fault/fault.h"
#include "harness/observe/control_plane.h"

namespace harness::fault {

struct Budget {
  int servers_down = 1;  // servers that may be without service at once, healthy voters included
};

struct EtcdHealth {
  int voters = 0;
  int learners = 0;
  std::vector<std::string> healthy;    // names of voters that answer healthy and know the leader
  std::vector<std::string> unhealthy;  // "cp-2: why"
  std::vector<std::string> alarms;
};

Result<EtcdHealth> ask_etcd(const observe::Access& access, Deadline deadline);

// refused, with the numbers, when the fault would leave fewer healthy voters than voters minus
// `servers_down`, or when learners or alarms make the count doubtful.
Status check_budget(const observe::Access& access,
                    const cluster::Node& target,
                    const Fault& fault,
                    const Budget& budget,
                    Deadline deadline);

}  // namespace harness::fault
