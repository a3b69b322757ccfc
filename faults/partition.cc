// partition: cuts one node off from the others, at the ports of etcd's peers, of the API or of all
// that the control plane speaks.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Needs;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "partition",
    .summary = "Cut one node off from the other nodes",
    .params = {harness::fault::choice("what",
                                      "etcd-peers",
                                      {"etcd-peers", "apiserver", "supervisor", "control-plane"},
                                      "2380; 6443; 9345; or 2379-2381, 6443, 9345 and 10250"),
               harness::fault::choice("direction",
                                      "both",
                                      {"both", "in", "out"},
                                      "of the packets that do not get through, seen from the node"),
               harness::fault::cut_parameter(),
               harness::fault::hold_parameter("30s")},
    .blast_radius = "the node's traffic with the cluster's other nodes at these ports, of its pods "
                    "too; SSH and loopback go on. etcd-peers costs a voter",
    .survives_reboot = false,
    .undo = harness::fault::kTableUndo,
    .evidence = "the table, its peers and ports read back; connections to the peers that do not "
                "come about; packets that its rules have met",
    .notes = "The other nodes' addresses are asked of etcd's members or of the Nodes when it is "
             "armed, and taken\n"
             "from the inventory where neither says any. With direction `in` nothing is proved "
             "unless a peer\n"
             "sends something.",
    .make = [](const Params& params) -> Fault {
      const bool etcd = params.at("what") == "etcd-peers";
      Fault fault;
      fault.action = Json{{"do", "partition"},
                          {"what", params.at("what")},
                          {"direction", params.at("direction")},
                          {"how", params.at("how")},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      fault.needs.etcd_voters = 1;
      fault.needs.servers_down = 1;
      fault.needs.peers = etcd ? Needs::Peers::etcd : Needs::Peers::nodes;
      return fault;
    },
}};

}  // namespace
