// kill-service: SIGKILL to the rke2 process. kubelet and containerd die with it, as its children;
// pods live on.

#include "harness/fault/fault.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "kill-service",
    .summary = "Kill the main process of rke2-server or rke2-agent",
    .params = {},
    .mechanism = "SIGKILL to the unit's main process alone, by its pidfd",
    .blast_radius = "rke2, kubelet and containerd of the node; the containers live on",
    .rke2_itself =
        "kubelet and containerd end with it; systemd starts the unit again after 5s, and the "
        "new rke2 takes the containers over",
    .survives_reboot = "nothing: the unit stays enabled, and its start is the boot's own",
    .undo = "nothing to undo: systemd starts the service again after 5s",
    .evidence = "the main process (with its start time) gone, read back",
    .notes = "Killed again and again, the service can run into systemd's limit of starts.",
    .make = [](const Params&) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "service"}, {"how", "kill"}};
      fault.needs.servers_down = 1;
      return fault;
    },
}};

}  // namespace
