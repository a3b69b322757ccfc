// kill-containerd: SIGKILL to the containerd that rke2 has started. rke2 ends with it.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "kill-containerd",
    .summary = "Kill the containerd that rke2 runs",
    .params = {},
    .mechanism = "SIGKILL to the child of rke2 whose program is containerd, by its pidfd",
    .blast_radius =
        "containerd, rke2 and kubelet of the node; the containers live on with their shims",
    .rke2_itself =
        "rke2 sees that containerd has ended and ends itself; systemd starts it again after "
        "5s, and the new containerd takes the containers over",
    .survives_reboot = "nothing: a boot starts containerd anew",
    .undo = "nothing to undo: rke2 ends itself, and systemd starts it again after 5s",
    .evidence = "the process (by its parent, its program and its start time) gone, read back",
    .notes = "The process is found as the child of rke2 whose program is containerd, which neither "
             "a shim\n"
             "nor a containerd of the distribution is.",
    .make = [](const Params&) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "child"}, {"what", "containerd"}, {"how", "kill"}};
      fault.needs.servers_down = 1;
      return fault;
    },
}};

}  // namespace
