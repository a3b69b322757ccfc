// slow-service: gives rke2, kubelet and containerd little of a core, so that what takes
// milliseconds takes seconds.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;
using harness::fault::ParamType;

const harness::fault::FaultRegistration kRegistration{{
    .name = "slow-service",
    .summary = "Slow rke2-server or rke2-agent by a CPU quota",
    .params = {{.name = "percent",
                .type = ParamType::choice,
                .fallback = "10",
                .choices = {"1", "5", "10", "20", "50"},
                .unit = {},
                .summary = "of one core"},
               harness::fault::hold_parameter("30s")},
    .blast_radius =
        "rke2, kubelet and containerd of the node get little CPU; the containers keep theirs",
    .survives_reboot = false,
    .undo = "the quota that was there before, when the time, the lease or the record's timer is "
            "over; read back. A reboot forgets it",
    .evidence = "the quota, read back from systemd and from the kernel",
    .notes = "A unit that has a quota of its own is left alone, and so is a node without the "
             "kernel's cpu\n"
             "controller. Its trials are stretched: the evidence says `stretched`, and they are "
             "never counted\n"
             "with natural ones.",
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "slow"},
                          {"how", params.at("percent")},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      return fault;
    },
}};

}  // namespace
