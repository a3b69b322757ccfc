#include "harness/plan/targets.h"

#include <algorithm>

#include <fmt/format.h>

namespace harness::plan {

yaml::Value at(const Place& place) {
  yaml::Value value;
  value.line = std::max(1, place.line);
  value.column = std::max(1, place.column);
  return value;
}

Targets targets_of(const Suite& suite,
                   const inventory::Inventory& inventory,
                   yaml::Problems& problems) {
  Targets out;
  for (const auto& [rule, place] : suite.targets) {
    bool any = false;
    bool first = true;
    for (const inventory::Node& node : inventory.nodes) {
      const bool take = rule == "all" || rule == node.name ||
                        (rule == "each-server" && node.server) ||
                        (rule == "each-agent" && !node.server) ||
                        (rule == "first-server" && node.server && first);
      first = first && !node.server;
      any = any || take;
      if (take && std::ranges::find(out.nodes, &node) == out.nodes.end()) {
        out.nodes.push_back(&node);
      }
    }
    if (!any && rule == "each-agent") {
      out.none.push_back({suite.name + "/*/" + rule, "the inventory has no agent"});
    } else if (!any) {
      problems.add(at(place),
                   fmt::format("target '{}' is no node of {} and none of each-server, "
                               "first-server, each-agent, all",
                               rule,
                               inventory.file));
    }
  }
  return out;
}

std::set<std::string> servers_of(const inventory::Inventory& inventory) {
  std::set<std::string> out;
  for (const inventory::Node& node : inventory.nodes) {
    if (node.server) {
      out.insert(node.name);
    }
  }
  return out;
}

}  // namespace harness::plan
