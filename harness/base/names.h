// Two small languages that an inventory and the guard must read alike: what passes a plan may not
// be refused on the node.
#pragma once

#include <string_view>

namespace harness {

// [A-Za-z0-9._-], 1 to 64, not beginning with a dash or a dot.
bool is_cluster_name(std::string_view text);

// Absolute, at most 1024 bytes, no control characters, no empty, `.` or `..` component.
bool is_plain_path(std::string_view text);

// A byte that no path, name or word of ours may hold: below blank, or delete.
bool has_control_character(std::string_view text);

}  // namespace harness
