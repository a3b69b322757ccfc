// freeze-pod: stops all processes of one static pod's container for a while. They keep their
// sockets, locks and leases and answer nothing, which is what a hung process looks like.

#include "harness/base/time.h"
#include "harness/fault/fault.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;
using harness::fault::ParamType;

const harness::fault::FaultRegistration kRegistration{{
    .name = "freeze-pod",
    .summary = "Freeze the processes of one static pod",
    .params = {{.name = "pod",
                .type = ParamType::choice,
                .fallback = {},
                .choices = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"},
                .unit = {},
                .summary = "which static pod"},
               {.name = "duration",
                .type = ParamType::duration,
                .fallback = "15s",
                .choices = {},
                .unit = {},
                .summary = "for how long, from 100ms to 10m"}},
    .blast_radius = "one container; etcd costs a voter, kube-apiserver that server's API",
    .survives_reboot = false,
    .undo = "SIGCONT to exactly the processes that were stopped, when the time, the lease or the "
            "record's timer is over; read back",
    .evidence = "each process (with its start time) in state T",
    .notes =
        "Longer than the pod's liveness probe allows, kubelet kills the container and starts it\n"
        "again, which is then part of the fault. A window that this fault holds open is "
        "stretched:\n"
        "the evidence says `stretched`, and such trials are never counted with natural ones.",
    .make = [](const Params& params) -> Fault {
      const std::string& pod = params.at("pod");
      const auto hold =
          harness::parse_duration(params.at("duration")).value_or(harness::Microseconds{});
      Fault fault;
      fault.action = Json{{"do", "freeze"}, {"pod", pod}, {"hold_ms", hold.count() / 1000}};
      fault.needs.etcd_voters = pod == "etcd" ? 1 : 0;
      fault.needs.servers_down = pod == "etcd" || pod == "kube-apiserver" ? 1 : 0;
      return fault;
    },
}};

}  // namespace
