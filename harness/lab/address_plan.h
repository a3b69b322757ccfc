// Which addresses, names and links a lab uses. Pure.
//
// A lab has a /24 of 198.18.0.0/15, which RFC 2544 sets aside for tests. The host is .1, servers
// begin at .11, agents at .21. The default route points at .254, which nobody holds, so nothing
// leaves the bridge.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace harness::lab {

struct PlannedNode {
  std::string name;     // cp-1, w-1; also the host name inside
  std::string role;     // server or agent
  std::string address;  // without the prefix length
  std::string machine;  // unique on this host, short enough for the link that nspawn names after it
  bool vm = false;      // a virtual machine instead of a container
};

struct AddressPlan {
  int subnet = 0;  // the third number of the address
  std::string bridge;
  std::string bridge_mac;
  std::string host_address;
  std::string gateway;
  std::vector<PlannedNode> nodes;
};

// invalid_input, with what a name may be, unless it is fit to name links, files and machines.
Status check_lab_name(std::string_view name);

// The third numbers of all 198.18.x addresses in a text such as `ip -o -4 address` prints.
std::set<int> subnets_in(std::string_view text);

// The lowest that is free; refused when there are none.
Result<int> free_subnet(const std::set<int>& used);

// invalid_input for counts that no lab has: 1 to 3 servers, 0 to 2 agents.
Result<AddressPlan> plan_addresses(std::string_view lab, int subnet, int servers, int agents);

// Of a virtual machine's network card: locally administered, and no other node's.
std::string mac_of(const PlannedNode& node);

}  // namespace harness::lab
