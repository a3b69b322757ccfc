// block-dns: no name is resolved any more, by the node or through it.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "block-dns",
    .summary = "Let no DNS query out of the node",
    .params = {harness::fault::cut_parameter(), harness::fault::hold_parameter("30s")},
    .mechanism =
        "a table of nftables of the guard's own, which drops or resets queries at ports 53 "
        "and 853",
    .blast_radius = "DNS (53 and 853) of the node, also to a resolver on the node itself, and all "
                    "that it forwards: of its pods, and of pods on other nodes that ask a CoreDNS "
                    "on this one; nothing else",
    .rke2_itself = "nothing: what needs a name fails and is tried again",
    .survives_reboot = "nothing: the table is in the kernel's memory alone",
    .undo = harness::fault::kTableUndo,
    .evidence = "the table and its ports read back; a query to the node's first name server that "
                "gets no answer; packets that its rules have met",
    .notes = "/etc/resolv.conf and hosts are left as they are: names in /etc/hosts still resolve.",
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action = Json{
          {"do", "dns"}, {"how", params.at("how")}, {"hold_ms", harness::fault::hold_ms(params)}};
      return fault;
    },
}};

}  // namespace
