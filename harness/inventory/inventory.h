// What a cluster is: its nodes, how they are reached, where releases come from. Data only; nothing
// is contacted. inventories/README.md explains every key.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace harness::inventory {

struct Ssh {
  std::string user;
  std::string key;          // file; empty: the agent
  std::string known_hosts;  // file; always checked
  int port = 22;
  std::string jump;          // [user@]host[:port]; empty: none
  bool become_sudo = false;  // root through sudo; else the user is root
};

// What decides whether some windows come at all: the words that window packs and inventories share.
inline constexpr std::string_view kFirstServer = "first server";
inline constexpr std::string_view kJoiningServer = "joining server";
const std::vector<std::string>& known_conditions();
using Conditions = std::set<std::string, std::less<>>;

struct Node {
  std::string name;
  std::string address;
  bool server = false;
  Ssh ssh;                     // the cluster's, with the node's own overrides
  Conditions conditions = {};  // said of this node alone
};

struct Install {
  std::string method = "tarball";
  std::string artifacts;  // directory of <version>/ directories
};

// Command lines of the inventory, run on the controller; "{address}" and "{name}" are filled in per
// word.
struct Power {
  std::vector<std::string> off;
  std::vector<std::string> on;
  std::vector<std::string> state;
};

struct Inventory {
  std::string cluster;
  bool expendable = false;
  std::vector<Node> nodes;
  Install install;
  std::optional<Power> power;
  Conditions conditions;  // said of every node
  std::string data_dir = "/var/lib/rancher/rke2";
  std::string file;
  std::string digest;  // of the file's text, for the run's record

  const Node* find(std::string_view name) const;
  // What is said of all and of the node, and for a server its place: the first in the file began
  // the cluster, the others joined it.
  Conditions conditions_of(const Node& node) const;
};

// invalid_input with file, line and column of every mistake. Relative paths are relative to the
// file, ~ is the home directory. Key and known_hosts files must be there, unless `check_files` is
// false.
Result<Inventory> load(const std::string& path, bool check_files = true);
Result<Inventory> parse(std::string_view text, const std::string& file, bool check_files = true);

}  // namespace harness::inventory
