// slow-disk: the kernel's own limit of reads and writes for one static pod.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "slow-disk",
    .summary = "Slow one static pod's disk",
    .params = {harness::fault::static_pod_parameter(),
               harness::fault::integer("iops",
                                       "50",
                                       "reads and writes a second",
                                       "what the pod gets of the disk",
                                       2,
                                       1000000),
               harness::fault::hold_parameter("30s")},
    .mechanism =
        "reads and writes a second in io.max of the pod's cgroup, for the disk that its data "
        "is on",
    .blast_radius =
        "one container; a journal that the filesystem shares can slow others. etcd costs a voter",
    .rke2_itself =
        "nothing: an etcd that is too slow loses its leadership, and a probe that is late can "
        "end the container",
    .survives_reboot = "nothing: the cgroup ends with the boot",
    .undo = "the limit is taken away, when the time, the lease or the record's timer is over; read "
            "back. It is gone with the pod's cgroup, and at a reboot",
    .evidence = "the limit, read back from the kernel",
    .stretches = true,
    .notes = "Needs cgroup v2 with the io controller and a filesystem on a disk of its own: "
             "skipped, with the\n"
             "reason, where there is none. A window that this fault holds open is stretched.",
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "throttle"},
                          {"pod", params.at("pod")},
                          {"iops", harness::fault::number(params, "iops")},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      fault.needs = harness::fault::needs_of_static_pod(params.at("pod"));
      return fault;
    },
}};

}  // namespace
