// Where a planned case's faults are aimed: their windows on the version and the node, and what
// their offsets come to. Part of planning.
#pragma once

#include <string>
#include <vector>

#include "harness/inventory/inventory.h"
#include "harness/plan/plan.h"
#include "harness/yaml/reader.h"

namespace harness::plan {

// Whether the version has such a window on any node; else it is a problem at its place.
bool check_window(const Watched& watched,
                  const Named& window,
                  const Version& version,
                  yaml::Problems& problems);

// The window of that name as the version has it on the node, or why it cannot come there.
struct FoundWindow {
  event::WindowDef window;
  std::string impossible;
};

FoundWindow find_window(const WindowPack& pack,
                        const std::string& name,
                        const Version& version,
                        const inventory::Node& node,
                        const inventory::Inventory& inventory);

// The node of `while`: a name, or first-server. Null: there is none, which is a problem at its
// place.
const inventory::Node* seen_node(const Named& seen_on,
                                 const inventory::Inventory& inventory,
                                 yaml::Problems& problems);

// Why that key, which waits for another start, does not go with `restart: reboot`.
std::string unlike_a_boot(const std::string& key);

// Why the fault cannot be done at all with this inventory; empty: it can.
std::string lacking(const std::string& fault,
                    const Params& params,
                    const inventory::Inventory& inventory);

// The suite's further faults, not yet aimed. `impossible` is filled when one of them cannot come;
// an unknown node or window is a problem at its place.
void add_companions(const Suite& suite,
                    const WindowPack& pack,
                    const inventory::Inventory& inventory,
                    Case& cell,
                    std::string& impossible,
                    yaml::Problems& problems);

// What the offset comes to on this hop and target. Only for cells that are planned: a percentage of
// a window that is left out needs no length.
Status aim_at(const OffsetChoice& offset, Case& cell);
Status aim_companion(const Case& cell, Companion& one);

}  // namespace harness::plan
