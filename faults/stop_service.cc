// stop-service: stops the unit as an operator would: the management plane is down, the pods run on.

#include "harness/base/time.h"
#include "harness/fault/fault.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;
using harness::fault::ParamType;

const harness::fault::FaultRegistration kRegistration{{
    .name = "stop-service",
    .summary = "Stop rke2-server or rke2-agent for a while",
    .params = {{.name = "duration",
                .type = ParamType::duration,
                .fallback = "30s",
                .choices = {},
                .unit = {},
                .summary = "for how long, from 100ms to 10m"}},
    .blast_radius = "rke2, kubelet and containerd of the node; the containers live on",
    .survives_reboot = false,
    .undo = "the service is started, when the time, the lease or the record's timer is over; read "
            "back that its start is on its way. At a reboot it starts by itself",
    .evidence = "the unit inactive or failed, its main process (with its start time) gone",
    .notes = "A service that somebody else started meanwhile is left as it is. A restart or start "
             "that systemd\n"
             "has under way is cancelled by the stop.",
    .make = [](const Params& params) -> Fault {
      const auto hold =
          harness::parse_duration(params.at("duration")).value_or(harness::Microseconds{});
      Fault fault;
      fault.action = Json{{"do", "service"}, {"how", "stop"}, {"hold_ms", hold.count() / 1000}};
      fault.needs.servers_down = 1;
      return fault;
    },
}};

}  // namespace
