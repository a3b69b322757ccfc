// freeze-kubelet: stops the kubelet that rke2 has started for a while, as a hung one would.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "freeze-kubelet",
    .summary = "Freeze the kubelet that rke2 runs",
    .params = {harness::fault::hold_parameter("60s")},
    .mechanism =
        "SIGSTOP to the child of rke2 whose program is kubelet, by process id and start time",
    .blast_radius =
        "kubelet of the node: no pod is started, stopped or probed; after 40s the node is NotReady",
    .rke2_itself = "nothing: after 40s kube-controller-manager calls the node NotReady",
    .survives_reboot = "nothing: the process ends with the boot",
    .undo = harness::fault::kFreezeUndo,
    .evidence = "the process (by its parent, its program and its start time) in state T",
    .stretches = true,
    .notes = harness::fault::kStretchedNote,
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "child"},
                          {"what", "kubelet"},
                          {"how", "freeze"},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      return fault;
    },
}};

}  // namespace
