// partition: cuts one node off from the others, at the ports of etcd's peers, of the API, of all
// that the control plane speaks, or of the pods' network.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Needs;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "partition",
    .summary = "Cut one node off from the other nodes",
    .params = {harness::fault::choice(
                   "what",
                   "etcd-peers",
                   {"etcd-peers", "apiserver", "supervisor", "control-plane", "cni-overlay"},
                   "2380; 6443; 9345; 2379-2381, 6443, 9345 and 10250; or UDP "
                   "of the pods' network: 4789, 6081, 8472, 51820, 51821 and "
                   "51871"),
               harness::fault::choice("direction",
                                      "both",
                                      {"both", "in", "out"},
                                      "of the packets that do not get through, seen from the node"),
               harness::fault::cut_parameter(),
               harness::fault::hold_parameter("30s")},
    .mechanism =
        "a table of nftables of the guard's own with timed sets, which drops or resets what "
        "goes to or comes from the other nodes at these ports",
    .blast_radius = "the node's traffic with the cluster's other nodes at these ports, of its pods "
                    "too; SSH and loopback go on. etcd-peers costs a voter",
    .rke2_itself =
        "nothing: etcd elects another leader, agents and clients go on to another server, and "
        "all come back by themselves when packets get through",
    .survives_reboot = "nothing: the table is in the kernel's memory alone",
    .undo = harness::fault::kTableUndo,
    .evidence = "the table, its peers and ports read back; connections to the peers that do not "
                "come about; packets that its rules have met",
    .notes =
        "The other nodes' addresses are asked of etcd's members or of the Nodes when it is "
        "armed, and taken\n"
        "from the inventory where neither says any. With direction `in` nothing is proved "
        "unless a peer\n"
        "sends something. cni-overlay is apart from control-plane, since what goes over it is "
        "the pods', and\n"
        "a fault that takes both would not tell which one was missed; two `faults` of a suite "
        "on two nodes\n"
        "take both. Its ports are VXLAN (flannel and Cilium 8472, Calico 4789), Geneve (6081) "
        "and\n"
        "WireGuard (flannel 51820 and 51821, Cilium 51871); a CNI that routes without a tunnel "
        "goes on.",
    .make = [](const Params& params) -> Fault {
      const bool etcd = params.at("what") == "etcd-peers";
      const bool pods = params.at("what") == "cni-overlay";
      Fault fault;
      fault.action = Json{{"do", "partition"},
                          {"what", params.at("what")},
                          {"direction", params.at("direction")},
                          {"how", params.at("how")},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      fault.needs.etcd_voters = pods ? 0 : 1;
      fault.needs.servers_down = pods ? 0 : 1;
      fault.needs.peers = etcd ? Needs::Peers::etcd : Needs::Peers::nodes;
      return fault;
    },
}};

}  // namespace
