// rewrite-manifest: another manifest in the place of one static pod's for a while.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "rewrite-manifest",
    .summary = "Rewrite one static pod's manifest",
    .params = {harness::fault::static_pod_parameter(),
               harness::fault::choice(
                   "how",
                   "uid",
                   {"uid", "break"},
                   "another pod UID, for which kubelet makes the pod anew, or no manifest"),
               harness::fault::hold_parameter("30s")},
    .mechanism = "another file renamed over it; the original keeps a second name on its own "
                 "filesystem, out of that folder",
    .blast_radius = "one static pod; etcd costs a voter, kube-apiserver that server's API",
    .rke2_itself =
        "kubelet sees it within 5s and makes the pod anew, or says that the file is none; "
        "rke2 writes its manifests only when it starts",
    .survives_reboot =
        "the other manifest is still there when the node boots; the guard's boot unit puts "
        "the original back before rke2 begins",
    .undo = "put back as it was (content, owner, mode, label), when the time, the lease or the "
            "record's timer is over, and at a boot before rke2 begins; read back. What RKE2 or an "
            "upgrade has written meanwhile stays",
    .evidence = "the file with what was written, read back",
    .notes = "Written beside it under a name that kubelet does not read, and renamed over it, as "
             "RKE2 does.\n"
             "With uid, kubelet makes the pod anew twice: now and when it is put back.",
    .make = [](const Params& params) -> Fault {
      const std::string& pod = params.at("pod");
      Fault fault;
      fault.action = Json{{"do", "manifest"},
                          {"pod", pod},
                          {"how", params.at("how")},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      fault.needs = harness::fault::needs_of_static_pod(pod);
      return fault;
    },
}};

}  // namespace
