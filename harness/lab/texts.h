// The texts that a lab writes: the inventory, and the small files that make an image a node.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "harness/lab/state.h"

namespace harness::lab {

// The first line of an inventory of this lab: only such a file is overwritten or removed.
std::string inventory_marker(const std::string& lab);
// `wanted`, or inventories/<lab>.yaml.
std::filesystem::path inventory_path(const std::filesystem::path& wanted, const std::string& lab);
// refused when a file of somebody else's is there.
Status check_inventory(const std::filesystem::path& inventory, const std::string& lab);

// inventories/README.md says what the keys mean. `hookshot`: the program that cuts power and gives
// it back; empty: the inventory has no `power`.
std::string inventory_text(const Record& record, const std::filesystem::path& hookshot = {});

// /etc/rancher/rke2/config.yaml of a node.
std::string rke2_config_text(const Record& record, const PlannedNode& node);

// /etc/hosts with every node of the lab.
std::string hosts_text(const AddressPlan& plan);

// The oneshot unit that gives a node its address and makes its control groups writable.
std::string node_unit_text(const AddressPlan& plan, const PlannedNode& node);

// One line of known_hosts from the node's public host key.
std::string known_hosts_line(const PlannedNode& node, std::string_view public_key);

}  // namespace harness::lab
