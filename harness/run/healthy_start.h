// Whether the cluster is well before the first baseline. What was sick before we came is no finding
// about the product: the run ends there, as an error, and says what is sick.
#pragma once

#include <stop_token>

#include "harness/observe/control_plane.h"
#include "harness/observe/sink.h"

namespace harness::run {

// Looks until everything that runs is well: units, apiservers, etcd, static pods, nodes Ready. A
// node whose unit is stopped counts only when the cluster knows it: else the baseline brings it in.
// A cluster that runs nothing yet is well.
//
// The error names what was last seen sick; its code is timed_out, or what a node answered with.
Status healthy_start(const observe::Access& access,
                     const observe::Sink& sink,
                     Deadline deadline,
                     const std::stop_token& stop = {});

}  // namespace harness::run
