// slow-service: gives rke2, kubelet and containerd little of a core, so that what takes
// milliseconds takes seconds.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "slow-service",
    .summary = "Slow rke2-server or rke2-agent by a CPU quota, or by stopping it in turns",
    .params = {harness::fault::choice("percent", "10", {"1", "5", "10", "20", "50"}, "of one core"),
               harness::fault::hold_parameter("30s")},
    .mechanism =
        "CPUQuota of the unit for this boot (`systemctl set-property --runtime`), or SIGSTOP "
        "and SIGCONT in turns",
    .blast_radius =
        "rke2, kubelet and containerd of the node get little CPU; the containers keep theirs",
    .rke2_itself = "nothing: what it does takes longer, and its own limits of time can run out",
    .survives_reboot = "nothing: the quota is of this boot alone, and the processes end with it",
    .undo =
        "the quota that was there before, or SIGCONT to exactly the processes that were stopped, "
        "when the time, the lease or the record's timer is over; read back. A reboot forgets it",
    .evidence =
        "the quota, read back from systemd and from the kernel; or state T and state running "
        "of the processes, read back from /proc",
    .stretches = true,
    .notes = "Where the unit has a quota of its own, or the kernel no cpu controller for it, rke2, "
             "containerd\n"
             "and kubelet are stopped and continued ten times a second, until that rke2 ends. Its "
             "trials are\n"
             "stretched: the evidence says `stretched`, and they are never counted with natural "
             "ones.",
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "slow"},
                          {"how", params.at("percent")},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      return fault;
    },
}};

}  // namespace
