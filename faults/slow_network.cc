// slow-network: what one node sends to the others comes late, twice, out of order or not at all.

#include "harness/base/time.h"
#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Needs;
using harness::fault::Params;
using harness::fault::ParamSpec;

constexpr std::int64_t kLongestMs = 10'000;
constexpr std::int64_t kFastest = 100'000'000;

ParamSpec share(std::string_view name, std::string_view summary) {
  return harness::fault::integer(name, "0", "percent", summary, 0, 100);
}

std::int64_t us_of(const std::string& text) {
  return harness::parse_duration(text).value_or(harness::Microseconds{}).count();
}

const harness::fault::FaultRegistration kRegistration{{
    .name = "slow-network",
    .summary = "Make the node's packets to the other nodes late or lossy",
    .params = {harness::fault::duration("delay", "100ms", "of each packet", 1, kLongestMs),
               share("jitter", "of the delay, more or less"),
               share("loss", "of the packets"),
               share("duplicate", "of the packets"),
               share("reorder", "sent before their turn"),
               harness::fault::integer("rate", "0", "kbit/s", "at most; 0: as it is", 0, kFastest),
               harness::fault::hold_parameter("30s")},
    .mechanism = "tc: prio as the device's root and netem on a band of its own, for packets that a "
                 "timed set of nftables marks",
    .blast_radius = "what the node sends to the cluster's other nodes, but SSH; as it begins and "
                    "ends, all its traffic stops for a moment",
    .rke2_itself = "nothing: etcd may lose its leader, and what is late is sent again",
    .survives_reboot = "nothing: the qdiscs and the table are in the kernel's memory alone",
    .undo = "the qdisc with our handle and the table of the packet filter deleted, and no other, "
            "when the time, the lease or the record's timer is over; read back. The kernel ends "
            "the marks by itself 5s after its time. A reboot forgets both",
    .evidence = "prio and netem with our handles read back on the devices that lead to the other "
                "nodes; packets that netem met (sent on, dropped or held back)",
    .notes = "A device whose root qdisc is not one of the kernel's own is refused. It takes tc and "
             "the modules\n"
             "sch_netem, sch_prio and cls_fw on the node. For both directions give it to both "
             "ends.",
    .make = [](const Params& params) -> Fault {
      const auto number = [&](const char* name) { return harness::fault::number(params, name); };
      Fault fault;
      fault.action = Json{{"do", "netem"},
                          {"delay_us", us_of(params.at("delay"))},
                          {"jitter_us", us_of(params.at("delay")) * number("jitter") / 100},
                          {"loss_percent", number("loss")},
                          {"duplicate_percent", number("duplicate")},
                          {"reorder_percent", number("reorder")},
                          {"rate_kbit", number("rate")},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      fault.needs = harness::fault::needs_of_node();
      fault.needs.peers = Needs::Peers::nodes;
      return fault;
    },
}};

}  // namespace
