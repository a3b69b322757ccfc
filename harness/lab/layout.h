// Where things of a lab are and what they are called. Pure: nothing is made or asked here.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace harness::lab {

// Lower-case letters, digits and dashes, a letter first, at most 12 characters: the name becomes
// part of the bridge's, which the kernel limits to 15.
Status check_name(std::string_view name);

struct NodePlan {
  std::string name;     // cp-1
  std::string role;     // server or agent
  std::string address;  // without prefix length
};

struct Layout {
  std::string name;
  std::string bridge;   // hk-<name>
  std::string gateway;  // the bridge's address
  std::vector<NodePlan> nodes;

  // What systemd-nspawn and ps call the machine of a node.
  std::string machine(std::string_view node) const;
};

inline constexpr int kPrefixLength = 24;

// Servers cp-1.. get addresses from .11 on, agents w-1.. from .31 on. The /24 is drawn from the
// lab's name out of 10.128.0.0/9, so that a lab comes back with its addresses, and moves on while
// `routes` (what `ip -4 -o route show` prints) has something that overlaps it. not_supported when
// nothing is free.
Result<Layout> make_layout(const std::string& name,
                           int servers,
                           int agents,
                           std::string_view routes);

// Whether any route but a default one overlaps the /24 that `address` lies in.
bool overlaps(std::string_view routes, std::string_view address);

struct Folders {
  std::filesystem::path labs;     // ${XDG_STATE_HOME:-~/.local/state}/hookshot/lab
  std::filesystem::path cache;    // ${XDG_CACHE_HOME:-~/.cache}/hookshot/lab
  std::filesystem::path recipes;  // ${HOOKSHOT_SHARE:-<source tree>}/scripts/lab

  static Folders of_environment();
};

}  // namespace harness::lab
