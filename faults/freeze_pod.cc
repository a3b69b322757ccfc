// freeze-pod: stops all processes of one static pod's container for a while. They keep their
// sockets, locks and leases and answer nothing, which is what a hung process looks like.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "freeze-pod",
    .summary = "Freeze the processes of one static pod",
    .params = {harness::fault::static_pod_parameter(), harness::fault::hold_parameter("15s")},
    .mechanism = "SIGSTOP to every process in the container's cgroup, by process id and start time",
    .blast_radius = "one container; etcd costs a voter, kube-apiserver that server's API",
    .rke2_itself =
        "nothing: kubelet's liveness probe ends a container that has not answered for long "
        "enough (by default eight times, 10s apart), and it is started again",
    .survives_reboot = "nothing: the processes end with the boot",
    .undo = "SIGCONT to exactly the processes that were stopped, when the time, the lease or the "
            "record's timer is over; read back",
    .evidence = "each process (with its start time) in state T",
    .stretches = true,
    .notes =
        "Longer than the pod's liveness probe allows, kubelet kills the container and starts it\n"
        "again, which is then part of the fault. A window that this fault holds open is "
        "stretched:\n"
        "the evidence says `stretched`, and such trials are never counted with natural ones.\n"
        "kube-apiserver may be frozen beside a kill of another pod of the node, as a stretch of "
        "what waits\n"
        "for it; not beside a kill of kube-apiserver or a reboot, which would end it, nor beside "
        "anything\n"
        "else, which would hurt what waits already. The other pods are frozen alone.",
    .make = [](const Params& params) -> Fault {
      const std::string& pod = params.at("pod");
      Fault fault;
      fault.action =
          Json{{"do", "freeze"}, {"pod", pod}, {"hold_ms", harness::fault::hold_ms(params)}};
      fault.needs = harness::fault::needs_of_static_pod(pod);
      return fault;
    },
}};

}  // namespace
