// freeze-service: stops the rke2 process itself. kubelet, containerd and all pods run on; 9345
// hangs.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "freeze-service",
    .summary = "Freeze the main process of rke2-server or rke2-agent",
    .params = {harness::fault::hold_parameter("30s")},
    .mechanism = "SIGSTOP to the unit's main process alone, by process id and start time",
    .blast_radius =
        "the rke2 process: 9345 and what it controls hang; kubelet, containerd and pods run on",
    .rke2_itself = "nothing: neither a watchdog nor a probe ends an rke2 that hangs",
    .survives_reboot = "nothing: the process ends with the boot",
    .undo = harness::fault::kFreezeUndo,
    .evidence = "the main process (with its start time) in state T",
    .stretches = true,
    .notes = "A stop or restart of the unit ends it early: systemd sends SIGCONT with SIGTERM.\n"
             "A window that this fault holds open is stretched: the evidence says `stretched`, and "
             "such\n"
             "trials are never counted with natural ones.",
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action =
          Json{{"do", "service"}, {"how", "freeze"}, {"hold_ms", harness::fault::hold_ms(params)}};
      fault.needs.servers_down = 1;
      return fault;
    },
}};

}  // namespace
