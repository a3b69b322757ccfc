// memory-pressure: a process that takes the node's memory, down to what is to be left.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "memory-pressure",
    .summary = "Take the node's memory",
    .params = {harness::fault::integer(
                   "leave", "256", "MB", "memory that is left available", 16, 16777216),
               harness::fault::hold_parameter("30s")},
    .mechanism =
        "a process of a transient systemd unit that holds memory until so much is left, with "
        "RuntimeMaxSec",
    .blast_radius =
        "the whole node: caches go, and what asks for more may be ended by the kernel: one server, "
        "one voter",
    .rke2_itself =
        "nothing: kubelet can evict pods when memory is low, and what the kernel ends is "
        "started again",
    .survives_reboot = "nothing: the unit is of this boot alone",
    .undo = "the unit of the process is stopped, when the time, the lease or the record's timer is "
            "over; read back. systemd ends it by itself after its time, and a reboot does",
    .evidence = "memory that the process holds and that is left available, read from /proc",
    .notes = "The process is the first that the kernel ends when memory runs out. In a container "
             "the memory\n"
             "that is available is the host's.",
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "memory"},
                          {"leave_mb", harness::fault::number(params, "leave")},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      fault.needs = harness::fault::needs_of_node();
      return fault;
    },
}};

}  // namespace
