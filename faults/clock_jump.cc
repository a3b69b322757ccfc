// clock-jump: sets the node's clock forward or back for a while.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "clock-jump",
    .summary = "Set the node's clock to another time",
    .params = {harness::fault::duration("by", "1h", "how far", 1000, 31622400000),
               harness::fault::choice(
                   "direction", "forward", {"forward", "back"}, "forward or back"),
               harness::fault::hold_parameter("30s")},
    .mechanism = "clock_settime, after what keeps the time was stopped",
    .blast_radius =
        "the whole node: certificates, tokens, leases and logs see another time: one server, one "
        "voter",
    .rke2_itself =
        "nothing: it judges certificates and tokens by the time that it finds, and one that "
        "starts meanwhile renews what then seems to end soon",
    .survives_reboot =
        "nothing of the clock, which a boot takes from the hardware; certificates that were "
        "renewed meanwhile stay",
    .undo = "set back by CLOCK_BOOTTIME, which nobody sets, and what keeps the time is started "
            "again, when the time, the lease or the record's timer is over (these go by the "
            "monotonic clock); read back. At a reboot the hardware's clock is right",
    .evidence = "how far the clock moved against CLOCK_BOOTTIME",
    .notes = "What keeps the time (chrony, timesyncd, ntpd) is stopped meanwhile, never disabled. "
             "Skipped in\n"
             "containers, which have the clock of their host.",
    .make = [](const Params& params) -> Fault {
      const int sign = params.at("direction") == "back" ? -1 : 1;
      Fault fault;
      fault.action = Json{{"do", "clock"},
                          {"offset_ms", sign * harness::fault::duration_ms(params, "by")},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      fault.needs = harness::fault::needs_of_node();
      return fault;
    },
}};

}  // namespace
