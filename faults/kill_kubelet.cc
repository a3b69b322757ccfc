// kill-kubelet: SIGKILL to the kubelet that rke2 has started.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "kill-kubelet",
    .summary = "Kill the kubelet that rke2 runs",
    .params = {},
    .mechanism = "SIGKILL to the child of rke2 whose program is kubelet, by its pidfd",
    .blast_radius = "kubelet of the node; pods, containerd and rke2 live on",
    .rke2_itself = "rke2 starts kubelet again in its loop of 5s",
    .survives_reboot = "nothing: a boot starts kubelet anew",
    .undo = "nothing to undo: rke2 starts kubelet again within 5s",
    .evidence = "the process (by its parent, its program and its start time) gone, read back",
    .notes =
        "rke2 has no unit for kubelet: the process is found as the child of rke2 whose program is\n"
        "kubelet.",
    .make = [](const Params&) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "child"}, {"what", "kubelet"}, {"how", "kill"}};
      return fault;
    },
}};

}  // namespace
