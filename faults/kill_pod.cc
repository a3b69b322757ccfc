// kill-pod: kills one static pod's container on the target, through containerd or the process.
// Never through the apiserver: deleting a static pod there removes its mirror and the container
// runs on.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "kill-pod",
    .summary = "Kill the container of one static pod",
    .params = {harness::fault::static_pod_parameter(),
               harness::fault::choice(
                   "how",
                   "task",
                   {"task", "process", "shim", "sandbox"},
                   "SIGKILL through containerd's task, to the container's first process, to its "
                   "shim, or to the process of the pod's sandbox")},
    .mechanism = "SIGKILL through containerd's task (`ctr task kill`), or to the container's first "
                 "process, its shim, or the process of the pod's sandbox, by process id and start "
                 "time; never through the API, where only the mirror pod would go",
    .blast_radius = "one container; etcd costs a voter, kube-apiserver that server's API",
    .rke2_itself =
        "nothing: kubelet starts the container again, after its back-off; a start of rke2 "
        "that waits for the pod goes on waiting",
    .survives_reboot = "nothing: a boot starts every static pod anew",
    .undo = "nothing to undo: kubelet starts the container again",
    .evidence = "container id and first process (with its start time) gone, exit seen on the node",
    .notes =
        "Without its sandbox kubelet ends what is left of the pod and makes it anew.\n"
        "kubelet holds back a container that died often: 10s, 20s, 40s up to 5m, forgotten after\n"
        "ten quiet minutes or when kubelet starts anew. The back-off that a kill brings is shown\n"
        "apart in the recovery time.",
    .make = [](const Params& params) -> Fault {
      const std::string& pod = params.at("pod");
      Fault fault;
      fault.action = Json{{"do", "kill"}, {"pod", pod}, {"how", params.at("how")}};
      fault.needs = harness::fault::needs_of_static_pod(pod);
      return fault;
    },
}};

}  // namespace
