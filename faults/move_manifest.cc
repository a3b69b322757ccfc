// move-manifest: takes the manifest of one static pod out of kubelet's sight for a while.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "move-manifest",
    .summary = "Take one static pod's manifest away",
    .params = {harness::fault::static_pod_parameter(), harness::fault::hold_parameter("30s")},
    .mechanism =
        "the file loses its name in agent/pod-manifests; the original keeps a second name on "
        "its own filesystem, out of that folder",
    .blast_radius = "one static pod; etcd costs a voter, kube-apiserver that server's API",
    .rke2_itself =
        "kubelet sees it within 5s and ends the pod; rke2 writes its manifests only when it "
        "starts, and then this one, too",
    .survives_reboot =
        "the manifest is still away when the node boots; the guard's boot unit puts it back "
        "before rke2 begins",
    .undo = "put back as it was (content, owner, mode, label), when the time, the lease or the "
            "record's timer is over, and at a boot before rke2 begins; read back. What RKE2 or an "
            "upgrade has written meanwhile stays",
    .evidence = "the file gone, read back",
    .notes = "kubelet ends the pod when it sees that; without kube-apiserver it may not. rke2 that "
             "begins\n"
             "anew meanwhile writes the manifest itself: it is waited for, for up to 3m, and ours "
             "is put back\n"
             "when it has come to rest without it. The original is kept under a second name on its "
             "own\n"
             "filesystem, so that a full disk does not stand in the way.",
    .make = [](const Params& params) -> Fault {
      const std::string& pod = params.at("pod");
      Fault fault;
      fault.action = Json{{"do", "manifest"},
                          {"pod", pod},
                          {"how", "move"},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      fault.needs = harness::fault::needs_of_static_pod(pod);
      return fault;
    },
}};

}  // namespace
