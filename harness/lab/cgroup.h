// The control groups that a node lives in, on a host with version 1, version 2, or both beside each
// other.
//
// Version 1: one group per node in every hierarchy, which the machine then sees as its root, so
// that the kubelets of two nodes do not meet. Version 2: one group per node, delegated by systemd
// as a scope where systemd is PID 1.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "harness/base/time.h"

namespace harness::lab {

enum class CgroupMode { v1, hybrid, v2 };

std::string_view to_string(CgroupMode mode);

struct CgroupLayout {
  CgroupMode mode = CgroupMode::v2;
  std::vector<std::filesystem::path> hierarchies;  // mount points, one for version 2
  bool scope = false;                              // systemd hands out the group
};

// From the text of /proc/mounts and the name of PID 1. not_supported when no hierarchy is mounted.
Result<CgroupLayout> detect_cgroups(std::string_view mounts, std::string_view pid_1);

// The same of this machine.
Result<CgroupLayout> host_cgroups();

// "hookshot-<lab>-<node>"; the scope's unit has ".scope" behind it.
std::string cgroup_name(std::string_view lab, std::string_view node);

// The node's groups in the layout, in the order of its hierarchies.
std::vector<std::filesystem::path> node_cgroups(const CgroupLayout& layout,
                                                std::string_view lab,
                                                std::string_view node);

// A node's share of a busy host's processors as cpu.weight has it, 1 to 10000; what runs beside the
// lab has 100. No more than that for a node: its controller would wait for it, and lose its leases.
// An emulated processor does less with its share.
int cpu_weight(bool vm);

// Makes them with that weight, and with the cpus and memory nodes that version 1's cpuset wants to
// be told. Nothing to do for a scope.
Status make_cgroups(const std::vector<std::filesystem::path>& groups, int weight);

// Ends every process in the groups and below, and removes them. Groups that are not there are fine.
Status clear_cgroups(const std::vector<std::filesystem::path>& groups, Deadline deadline);

}  // namespace harness::lab
