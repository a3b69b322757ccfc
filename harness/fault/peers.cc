#include "harness/fault/peers.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/names.h"
#include "harness/observe/state.h"

namespace harness::fault {
namespace {

constexpr std::chrono::seconds kAskLimit{10};

using Addresses = std::vector<std::string>;

void add(Addresses& all, std::string_view text) {
  const std::string address = ip_address_of(text);
  if (!address.empty() && !is_loopback(address) && std::ranges::find(all, address) == all.end()) {
    all.push_back(address);
  }
}

// "https://192.0.2.11:2380" and "https://[2001:db8::11]:2380".
std::string host_of(std::string_view url) {
  const std::size_t begin = url.find("://");
  if (begin == std::string_view::npos) {
    return {};
  }
  const auto parsed = host_port_of(url.substr(begin + 3, url.find('/', begin + 3) - begin - 3));
  return parsed ? parsed->host : std::string();
}

Addresses of_etcd(const observe::Access& access, const cluster::Node& target, Deadline deadline) {
  Addresses out;
  std::string own;
  Json members;
  for (const auto& server : access.servers()) {
    const bool is_target = server->node().name() == target.name();
    if (!is_target && members.is_array()) {
      continue;
    }
    const Json state = observe::etcd_state(*server, 0, deadline.at_most(kAskLimit));
    own = is_target ? json_string(state, "member_id") : own;
    members = state.contains("members") ? state["members"] : members;
  }
  for (const Json& member : members.is_array() ? members : Json::array()) {
    Addresses theirs;
    const Json urls = member.is_object() ? member.value("peer_urls", Json::array()) : Json();
    for (const Json& url : urls) {
      add(theirs, url.is_string() ? host_of(url.get<std::string>()) : "");
    }
    const bool is_target = (!own.empty() && json_string(member, "id") == own) ||
                           std::ranges::find(theirs, target.address()) != theirs.end();
    for (const std::string& one : is_target ? Addresses() : theirs) {
      add(out, one);
    }
  }
  return out;
}

Addresses of_nodes(const observe::Access& access, cluster::Node& target, Deadline deadline) {
  Addresses out;
  const Json state = observe::nodes_state(access, nullptr, deadline.at_most(kAskLimit));
  const Json nodes = state.is_object() ? state.value("nodes", Json::array()) : Json();
  if (!nodes.is_array()) {
    return out;
  }
  const Json* own = observe::find_node(nodes, target);
  for (const Json& node : nodes) {
    if (&node == own || !node.is_object()) {
      continue;
    }
    for (const Json& address : node.value("addresses", Json::array())) {
      add(out, address.is_string() ? address.get<std::string>() : "");
    }
  }
  return own == nullptr ? Addresses() : out;
}

Addresses of_inventory(const observe::Access& access, const cluster::Node& target, bool servers) {
  Addresses out;
  for (const cluster::Node* node : access.nodes()) {
    if (node->name() != target.name() && (node->is_server() || !servers)) {
      add(out, node->address());
    }
  }
  return out;
}

}  // namespace

Result<Addresses> peer_addresses(const observe::Access& access,
                                 cluster::Node& target,
                                 const Fault& fault,
                                 Deadline deadline) {
  if (fault.needs.peers == Needs::Peers::none) {
    return Addresses();
  }
  const bool etcd = fault.needs.peers == Needs::Peers::etcd;
  if (etcd && !target.is_server()) {
    return fail(ErrorCode::refused,
                fmt::format("{}: {} is an agent and has no etcd; aim it at a server",
                            fault.describe(),
                            target.name()));
  }
  Addresses out = etcd ? of_etcd(access, target, deadline) : of_nodes(access, target, deadline);
  if (out.empty()) {
    out = of_inventory(access, target, etcd);
  }
  std::erase(out, ip_address_of(target.address()));
  if (out.empty()) {
    return fail(ErrorCode::refused,
                fmt::format("{}: cluster {} has no other {} than {} whose address is known; it "
                            "takes two, with addresses in the cluster or the inventory",
                            fault.describe(),
                            access.cluster(),
                            etcd ? "etcd member" : "node",
                            target.name()));
  }
  return out;
}

}  // namespace harness::fault
