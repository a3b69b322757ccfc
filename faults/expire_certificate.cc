// expire-certificate: one of the node's certificates replaced by one that ends soon or has ended.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "expire-certificate",
    .summary = "Let one of the node's certificates end",
    .params = {harness::fault::choice(
                   "what", "", {"etcd-server", "etcd-peer", "kube-apiserver", "kubelet"}, "which"),
               harness::fault::duration(
                   "expires-in", "0s", "when it ends; 0s: it has ended", 0, 600000),
               harness::fault::hold_parameter("60s")},
    .mechanism =
        "openssl on the node signs the certificate anew with another end, by the authority's "
        "key there; written into the same file",
    .blast_radius = "who connects to that port and checks; etcd costs a voter, kube-apiserver that "
                    "server's API",
    .rke2_itself =
        "rke2 renews what has ended or ends soon when it starts, and nothing while it runs",
    .survives_reboot =
        "the certificate is still there when the node boots; the guard's boot unit puts the "
        "original back before rke2 begins",
    .undo = "put back as it was (content, owner, mode, label), when the time, the lease or the "
            "record's timer is over, and at a boot before rke2 begins; read back, and the port "
            "asked; a kubelet that has loaded ours is ended, which rke2 starts anew, and "
            "kube-apiserver takes the file by itself. What RKE2 has renewed meanwhile stays",
    .evidence = "the file read back, and a handshake with the port that shows the certificate",
    .notes = "Signed anew on the node by its own authority, with the same key, names and "
             "extensions; keys do\n"
             "not leave the node. RKE2 renews what has ended when it starts. It counts only once "
             "the port shows\n"
             "the new certificate: it is waited for as long as `duration` says, and for at most "
             "90s; then the\n"
             "file is put back, and that is a miss. etcd takes it at the next handshake, "
             "kube-apiserver within\n"
             "a minute. kubelet takes it when it starts: `what=kubelet` is applied only where this "
             "kubelet reads\n"
             "its file anew by itself, or somebody ends kubelet meanwhile, which rke2 starts again "
             "within 5s; a\n"
             "restart of rke2 renews the file. The undo puts the file back and then asks the port "
             "for up "
             "to 12s: etcd\n"
             "shows the old one at once, kube-apiserver within a minute, and a kubelet that shows "
             "ours is ended. Where\n"
             "that one is not away, the record is DIRTY and tried again; it says which process to "
             "end. A port without\n"
             "a handshake is not waited for, and a boot waits for none.",
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action =
          Json{{"do", "certificate"},
               {"what", params.at("what")},
               {"expires_in_s", harness::fault::duration_ms(params, "expires-in") / 1000},
               {"hold_ms", harness::fault::hold_ms(params)}};
      const std::string& what = params.at("what");
      fault.needs.etcd_voters = what.starts_with("etcd") ? 1 : 0;
      fault.needs.servers_down = what == "kubelet" ? 0 : 1;
      return fault;
    },
}};

}  // namespace
