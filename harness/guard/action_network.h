// Packets that do not get through: to and from the other nodes, or to any name server. Done by a
// timed table of the packet filter; proved by that table read back, by something that does not
// answer any more, and by packets that its rules have met.
//
// SSH (port 22) and the node's loopback are let through first, the latter but for DNS; and no rule
// ever matches a port that is not the fault's own.
#pragma once

#include <string>
#include <vector>

#include "harness/guard/action_hold.h"
#include "harness/guard/nft_table.h"

namespace harness::guard {

// What the kernel still does after the hold, should nothing else have taken it back.
inline constexpr std::chrono::milliseconds kGrace{5000};

struct Cut {
  // `said` is what it does, for people.
  Cut(const std::string& record_id, std::string said)
      : text(table_of(record_id)), what(std::move(said)) {}

  TableText text;
  TableState wanted;           // sets and hooks as they must be read back
  std::vector<Endpoint> gone;  // none of them may answer
  std::string what;
};

// drop or reset (and unreachable for UDP), as a rule's verdict.
std::string_view verdict_of(std::string_view how, std::string_view protocol);

// Sets peers4 and peers6, timed, and ports, with rules for that protocol (tcp, udp) between them in
// these directions as seen from the node: both, in, out.
void cut_off(const std::vector<std::string>& addresses,
             const std::vector<int>& ports,
             std::string_view direction,
             std::string_view how,
             std::chrono::milliseconds lifetime,
             Cut& cut,
             std::string_view protocol = "tcp");

// Keeps the way back, writes the table and proves it.
Result<Deed> strike_cut(const Cut& cut, const Means& means);

// record.action.addresses cut off at the ports of action.object: etcd-peers, apiserver, supervisor,
// control-plane, or at the UDP ports of cni-overlay, where a datagram of our own that nobody
// answers is what the rules meet.
Result<Deed> strike_partition(const ArmRecord& record, const Means& means);
// DNS (53, also over TLS at 853) from this node and through it, to any address.
Result<Deed> strike_dns(const ArmRecord& record, const Means& means);

}  // namespace harness::guard
