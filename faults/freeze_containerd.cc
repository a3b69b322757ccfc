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
    .blast_radius =
        "containerd of the node: no container is started or stopped; those that run go on",
    .survives_reboot = false,
    .undo = harness::fault::kFreezeUndo,
    .evidence = "the process (by its parent, its program and its start time) in state T",
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
