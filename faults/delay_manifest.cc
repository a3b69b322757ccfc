// delay-manifest: kubelet sees one static pod's manifest late, so that what waits for the pod waits
// longer.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "delay-manifest",
    .summary = "Let kubelet see one static pod's manifest late",
    .params = {harness::fault::static_pod_parameter(), harness::fault::hold_parameter("20s")},
    .mechanism =
        "fanotify: the kernel asks the guard before a file in agent/pod-manifests is opened, and "
        "kubelet's open of this one gets its answer only when the time is over; everybody else, "
        "and every other file, at once",
    .blast_radius =
        "kubelet's reading of manifests, which is one row: what it would read after this one waits "
        "too. The pods that run go on; of a pod that is made anew etcd costs a voter, "
        "kube-apiserver that server's API",
    .rke2_itself =
        "it writes its manifests as ever, in no time, and waits for the pod; its own limits of "
        "time can run out",
    .survives_reboot = "nothing: what waits for the answer ends with the boot",
    .undo = "the answer, when the time, the lease or the record's timer is over; read back that "
            "the guard holds no such descriptor any more. The kernel lets everything through when "
            "the guard's process ends, whatever ends it",
    .evidence = "kubelet (by its program, its parent's, and its start time) in its open of that "
                "file, as the kernel asks, with the file's UID",
    .stretches = true,
    .notes =
        "It is in force from the moment that it falls, which is the effect, for `duration`. "
        "kubelet "
        "opens its\n"
        "manifests when they change, every 5s, and when it starts; without an open in that time it "
        "is a miss.\n"
        "A kubelet that is started anew meanwhile is held back, too, to the same end; one that "
        "waits can be\n"
        "killed. What kubelet has read already it does not read again, and then nothing takes "
        "longer: in a\n"
        "start it falls in etcd-start, before kubelet's first look, and static-pod-sync becomes "
        "longer;\n"
        "etcd-start and apiserver-gap only where no old etcd answers, after a reboot and in a "
        "first "
        "start.\n"
        "It may stand beside a kill, as a stretch: the evidence says `stretched`, and such trials "
        "are never\n"
        "counted with natural ones.\n"
        "It needs a kernel with CONFIG_FANOTIFY_ACCESS_PERMISSIONS; `hookshot doctor` says whether "
        "the node has it.",
    .make = [](const Params& params) -> Fault {
      const std::string& pod = params.at("pod");
      Fault fault;
      fault.action =
          Json{{"do", "delay"}, {"pod", pod}, {"hold_ms", harness::fault::hold_ms(params)}};
      fault.needs = harness::fault::needs_of_static_pod(pod);
      return fault;
    },
}};

}  // namespace
