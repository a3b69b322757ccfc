// A cluster on this machine: nodes are systemd-nspawn machines, or a virtual machine, on a bridge
// of the lab's own.
//
// This is all that other folders need. Everything of a lab is named after it and recorded in its
// state folder, ${XDG_STATE_HOME:-~/.local/state}/hookshot/lab/<name>/, before it is made, so that
// down() and the next up() can take away what a crash left. Images and binaries are in the cache,
// ${XDG_CACHE_HOME:-~/.cache}/hookshot/lab/, and are made by the recipes in scripts/lab when they
// are missing.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace harness::lab {

// One line of progress in the operator's words, without a newline.
using Progress = std::function<void(std::string_view)>;

struct UpOptions {
  std::string name = "lab";  // lower-case letters, digits and dashes, at most 12 characters
  int servers = 1;           // 1 to 3; the second and third join the first
  int agents = 0;            // 0 to 2
  std::string version = "v1.30.12+rke2r1";
  std::string node_os = "trixie";  // or bookworm
  // The inventory to write; empty means inventories/<name>.yaml below the working directory. A
  // file there that is not this lab's is refused; down() removes it.
  std::filesystem::path inventory{};
  // Release artifacts, <artifacts>/<version>/...; empty means the stand-in's, made by
  // scripts/lab/release.
  std::filesystem::path artifacts{};
  bool bare = false;  // boot the nodes and install nothing
  bool cis = false;   // profile: cis in the nodes' configuration
  // The server is a virtual machine (qemu, software emulation) with a kernel, a clock and disks of
  // its own, in which real etcd runs and no Kubernetes; agents are containers. Implies bare.
  bool vm = false;
  std::chrono::seconds ready_within{300};
  Progress progress{};
  std::stop_token stop{};
};

struct NodeState {
  std::string name;  // cp-1, w-1
  std::string role;  // server or agent
  std::string address;
  bool vm = false;       // a virtual machine, not a container
  bool running = false;  // its supervisor and its machine are there
  bool answers = false;  // ssh lets us in
  std::string boot_id{};
  std::string unit{};  // rke2-server: active
};

struct LabState {
  std::string name;
  std::string version;  // what up() installed; empty when bare
  std::string node_os;
  std::string bridge;
  std::filesystem::path folder;  // keys, known_hosts, consoles, node file systems
  std::filesystem::path inventory;
  std::filesystem::path artifacts;
  std::vector<NodeState> nodes;
};

// Makes what up() with these options would make first: node image, Kubernetes, release artifacts.
// Minutes the first time, a second later. Takes no name and touches no lab.
Status prepare(const UpOptions& options);

// Brings the lab up and waits until every node is Ready (bare: until ssh answers). What an earlier,
// broken up() left behind is taken away first; a lab that runs is refused. On an error or a stop,
// everything is taken down again, except that `ready_within` passing leaves the nodes for
// inspection, and says so. Errors: not_supported, what this machine lacks; invalid_input; refused,
// the lab is up already; timed_out.
Result<LabState> up(const UpOptions& options);

// Asks the nodes. invalid_input when there is no such lab.
Result<LabState> status(const std::string& name);

// Names of the labs that have a state folder.
std::vector<std::string> names();

// Takes everything away, and proves it. True when there was something; a second call is fine.
// invalid_input for one who is not root and sees no lab, since labs are root's.
Result<bool> down(const std::string& name, const Progress& progress = {});

// The argv (an OpenSSH client) that opens a root shell on a node, or runs `words` there. For
// exec(3).
Result<std::vector<std::string>> ssh_command(const std::string& name,
                                             const std::string& node,
                                             const std::vector<std::string>& words = {});

// The argv that prints the node's journal of its rke2 unit; `follow` goes on as it grows.
Result<std::vector<std::string>> logs_command(const std::string& name,
                                              const std::string& node,
                                              bool follow = false);

}  // namespace harness::lab
