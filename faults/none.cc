// none: arms a trigger and hurts nothing. The control of every experiment.

#include "harness/fault/fault.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "none",
    .summary = "Do nothing when the window is hit: the control of every experiment",
    .params = {},
    .blast_radius = "nothing",
    .survives_reboot = false,
    .undo = "nothing to undo",
    .evidence = "the time at which the trigger fired",
    .notes = {},
    .make = [](const Params&) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "none"}};
      fault.needs.harmless = true;
      return fault;
    },
}};

}  // namespace
