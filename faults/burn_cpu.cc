// burn-cpu: processes that use up the node's cores for a while.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "burn-cpu",
    .summary = "Burn CPU beside everything else on the node",
    .params = {harness::fault::integer(
                   "cores", "0", "cores", "how many cores are burnt; 0: all there are", 0, 4096),
               harness::fault::hold_parameter("30s")},
    .mechanism =
        "processes of a transient systemd unit that do nothing but count, with RuntimeMaxSec",
    .blast_radius =
        "the whole node gets less CPU; nothing is stopped, but etcd without CPU costs a voter",
    .rke2_itself =
        "nothing: an etcd that gets too little CPU loses its leadership, and probes that are "
        "late can end containers",
    .survives_reboot = "nothing: the unit is of this boot alone",
    .undo = "the unit of the processes is stopped, when the time, the lease or the record's timer "
            "is over; read back. systemd ends it by itself after its time, and a reboot does",
    .evidence = "CPU time that the processes have used, read from /proc",
    .notes = "The processes are the first that the kernel ends when memory runs out, and have the "
             "weight of\n"
             "one ordinary service.",
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "burn"},
                          {"cores", harness::fault::number(params, "cores")},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      fault.needs = harness::fault::needs_of_node();
      return fault;
    },
}};

}  // namespace
