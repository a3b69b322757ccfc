// The faults of this folder's tests; those of the product lie above it.

#include "harness/fault/fault.h"

namespace harness::run {
namespace {

fault::FaultSpec spec(const char* name, std::vector<fault::ParamSpec> params, bool harmless) {
  return {.name = name,
          .summary = "for tests",
          .params = std::move(params),
          .mechanism = "none",
          .blast_radius = "none",
          .rke2_itself = "none",
          .survives_reboot = "none",
          .undo = "none",
          .evidence = "none",
          .notes = {},
          .make = [harmless](const fault::Params&) {
            fault::Fault out;
            out.needs.harmless = harmless;
            if (!harmless) {
              out.action = {{"do", "kill"}, {"pod", "etcd"}, {"how", "task"}};
              out.needs.etcd_voters = 1;
            }
            return out;
          }};
}

const fault::FaultRegistration kKillPod{spec("kill-pod",
                                             {{.name = "pod",
                                               .type = fault::ParamType::choice,
                                               .fallback = "etcd",
                                               .choices = {"etcd"},
                                               .unit = {},
                                               .summary = "for tests"}},
                                             false)};
const fault::FaultRegistration kCutPower{[] {
  fault::FaultSpec out = spec("cut-power", {}, false);
  out.make = [](const fault::Params&) {
    fault::Fault made;
    made.action = {{"do", "reboot"}, {"how", "power"}};
    made.needs.power = true;
    return made;
  };
  return out;
}()};
const fault::FaultRegistration kNone{spec("none", {}, true)};

}  // namespace
}  // namespace harness::run
