// reboot: restarts the target's operating system, politely or not.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "reboot",
    .summary = "Reboot the node",
    .params = {harness::fault::choice(
        "how",
        "graceful",
        {"graceful", "hard", "panic", "power"},
        "through systemd, at once (no sync, no unmount), by a panic of the kernel, or by its power "
        "cut and given back")},
    .mechanism = "`systemctl reboot`; b or c written to /proc/sysrq-trigger; or the inventory's "
                 "commands of `power`",
    .blast_radius = "the whole node: one server, one voter; the connection is lost meanwhile",
    .rke2_itself =
        "systemd starts the service, rke2 writes its manifests anew, and kubelet starts the "
        "static pods",
    .survives_reboot =
        "what is on the disk; but for graceful, what was not written there yet is lost",
    .undo =
        "nothing to undo: the node comes back by itself, and is waited for. power is given back by "
        "this machine, which has noted the node before; `hookshot heal` does it when the run died",
    .evidence =
        "a new boot id, and whether the old boot's journal ends with a shutdown: expected of "
        "graceful, not of hard, and said when it differs or cannot be read. Of power also when the "
        "command began and when the power was seen off; a shutdown in order disproves it",
    .notes =
        "hard writes b to /proc/sysrq-trigger. Where that file is missing it reboots without sync\n"
        "and says so in the evidence. panic writes c there, after kernel.panic was set to 10 where "
        "it "
        "was\n0, which lasts until that boot; skipped where the file is missing. The evidence "
        "says\n"
        "whether a kdump kernel was loaded, which writes its dump first and may take minutes.\n"
        "power runs the inventory's `power.off`, `.state` and `.on` on this machine when the "
        "node's\n"
        "trigger says that the moment has come: later by a way over the network and by what the\n"
        "command takes, which the evidence tells. If this machine dies between off and on, "
        "nothing\n"
        "but `hookshot heal` on it gives the power back.",
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "reboot"}, {"how", params.at("how")}};
      fault.needs = harness::fault::needs_of_node();
      fault.needs.reboots = true;
      fault.needs.power = params.at("how") == "power";
      return fault;
    },
}};

}  // namespace
