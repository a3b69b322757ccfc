// stop-service: stops the unit as an operator would: the management plane is down, the pods run on.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "stop-service",
    .summary = "Stop rke2-server or rke2-agent for a while",
    .params = {harness::fault::hold_parameter("30s")},
    .mechanism = "`systemctl stop` of the unit, which is neither disabled nor masked",
    .blast_radius = "rke2, kubelet and containerd of the node; the containers live on",
    .rke2_itself =
        "the stop ends kubelet and containerd and leaves the containers; the unit does not "
        "start again by itself before the next boot",
    .survives_reboot = "nothing: the unit stays enabled, and the boot starts it",
    .undo = "the service is started, when the time, the lease or the record's timer is over; read "
            "back that its start is on its way. At a reboot it starts by itself",
    .evidence = "the unit inactive or failed, its main process (with its start time) gone",
    .notes = "A service that somebody else started meanwhile is left as it is. A restart or start "
             "that systemd\n"
             "has under way is cancelled by the stop.",
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action =
          Json{{"do", "service"}, {"how", "stop"}, {"hold_ms", harness::fault::hold_ms(params)}};
      fault.needs.servers_down = 1;
      return fault;
    },
}};

}  // namespace
