// freeze-containerd: stops the containerd that rke2 has started for a while: CRI hangs.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "freeze-containerd",
    .summary = "Freeze the containerd that rke2 runs",
    .params = {harness::fault::hold_parameter("30s")},
    .mechanism =
        "SIGSTOP to the child of rke2 whose program is containerd, by process id and start "
        "time",
    .blast_radius =
        "containerd of the node: no container is started or stopped; those that run go on",
    .rke2_itself = "nothing: kubelet calls its runtime unhealthy after some minutes",
    .survives_reboot = "nothing: the process ends with the boot",
    .undo = harness::fault::kFreezeUndo,
    .evidence = "the process (by its parent, its program and its start time) in state T",
    .stretches = true,
    .notes = harness::fault::kStretchedNote,
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "child"},
                          {"what", "containerd"},
                          {"how", "freeze"},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      return fault;
    },
}};

}  // namespace
