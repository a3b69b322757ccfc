// Which nodes a suite's targets are in an inventory.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "harness/inventory/inventory.h"
#include "harness/plan/plan.h"
#include "harness/yaml/reader.h"

namespace harness::plan {

struct Targets {
  std::vector<const inventory::Node*> nodes;  // in the suite's order, each once
  std::vector<Excluded> none;                 // rules that may be empty, and are
};

// A rule that is neither a node nor a word of ours is a problem at its place.
Targets targets_of(const Suite& suite,
                   const inventory::Inventory& inventory,
                   yaml::Problems& problems);

std::set<std::string> servers_of(const inventory::Inventory& inventory);

// For problems of what was read before.
yaml::Value at(const Place& place);

}  // namespace harness::plan
