// The values of an inventory that have a language of their own. Each is read from a mapping, and a
// wrong one becomes a problem of the file, at its place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/inventory/inventory.h"
#include "harness/yaml/reader.h"

namespace harness::inventory {

// Letters, digits and `extra`, no dash in front: what may stand in a command line of ours.
void check_name(yaml::Reader& reader,
                std::string_view key,
                const std::string& text,
                std::string_view extra);

// Relative to the inventory's folder, ~ for home. Any name but control characters.
enum class Need { optional, required };
std::string read_path(yaml::Reader& reader, std::string_view key, Need need);

// The key `conditions`, those that follow from a node's place excepted.
Conditions read_conditions(yaml::Reader& reader);

// An argv; {address} and {name} are the only words in braces that are filled in.
std::vector<std::string> read_command(yaml::Reader& reader, std::string_view key);

}  // namespace harness::inventory
