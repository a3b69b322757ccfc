// block-registry: no image comes from one registry any more.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;
using harness::fault::ParamType;

const harness::fault::FaultRegistration kRegistration{{
    .name = "block-registry",
    .summary = "Cut the node off from an image registry",
    .params = {{.name = "registry",
                .type = ParamType::host,
                .fallback = "docker.io",
                .choices = {},
                .unit = {},
                .summary = "which; without a port it is cut off at 443 and 80"},
               harness::fault::hold_parameter("60s")},
    .mechanism =
        "a table of nftables of the guard's own with timed sets, which drops what goes to the "
        "addresses of the registry and its mirrors",
    .blast_radius = "TCP of the node and its pods to the addresses of the registry and its "
                    "mirrors, at the ports of each; what else is at these addresses and ports is "
                    "cut off with it",
    .rke2_itself = "nothing: kubelet tries a pull again, with growing pauses",
    .survives_reboot = "nothing: the table is in the kernel's memory alone",
    .undo = harness::fault::kTableUndo,
    .evidence = "the table, addresses and ports read back; a connection to the registry and to "
                "each mirror that does not come about; packets that its rules have met",
    .notes =
        "The node resolves the names when the fault fires, and every 5s while it lasts; where "
        "it can\n"
        "resolve none, it is no hit. For docker.io the names are taken that containerd pulls "
        "from. Mirrors\n"
        "are those of hosts.toml in the registry's directory below "
        "DATA_DIR/agent/etc/containerd/certs.d, or\n"
        "in _default where it has none, as RKE2 writes them from registries.yaml; the evidence "
        "names each\n"
        "host with its addresses. A node is skipped, with the reason, and nothing is cut off, "
        "where pulls go\n"
        "by something else: a proxy of containerd's environment (HTTPS_PROXY, HTTP_PROXY) from "
        "which\n"
        "NO_PROXY does not spare these hosts, a mirror on the node's own loopback such as RKE2's "
        "embedded "
        "registry, a\n"
        "hosts.toml that is not understood, or mirrors in config.toml, as older releases have "
        "them. Images\n"
        "that are on the node already are used as before.",
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "registry"},
                          {"host", params.at("registry")},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      return fault;
    },
}};

}  // namespace
