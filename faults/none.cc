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
    .mechanism = "nothing but the trigger, which keeps the time at which it fires",
    .blast_radius = "nothing",
    .rke2_itself = "it is not touched",
    .survives_reboot = "nothing",
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
