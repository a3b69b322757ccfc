// Can everything be done on these nodes? Says what is missing and how to get it. The same findings
// are the preflight of a run: nothing is armed while one of them stands in the way.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/cluster/cluster.h"
#include "harness/cluster/facts.h"
#include "harness/exec/runner.h"
#include "harness/inventory/inventory.h"

namespace harness::run {

struct Finding {
  enum class Grade { good, limited, blocking };  // limited: some faults or checks cannot be done
  Grade grade = Grade::good;
  std::string node;  // empty: the cluster, or this machine
  std::string what;  // "sudo", "allow marker", ...
  std::string seen;
  std::string advice;  // what to do about it; empty when good
};

std::string_view to_string(Finding::Grade grade);

// The one finding that only the user can do something about: `hookshot allow`.
inline constexpr std::string_view kAllowMarker = "allow marker";
inline constexpr std::string_view kQuarantine = "quarantine";

struct DoctorOptions {
  bool need_allow = true;  // a run needs the marker; plain doctor only says that it is missing
};

// Pure: what these facts mean. `expendable` is the inventory's word.
std::vector<Finding> examine(const cluster::NodeFacts& facts,
                             const std::string& cluster,
                             const DoctorOptions& options);

// Asks every node; a node that does not answer is a blocking finding.
std::vector<Finding> examine(cluster::Cluster& cluster,
                             const DoctorOptions& options,
                             Deadline deadline);

// Whether the inventory's `power.state` says that each node, which answers, is on; nothing where
// the inventory has no `power`. No command that changes anything is run.
std::vector<Finding> examine_power(const inventory::Inventory& inventory,
                                   exec::CommandRunner& runner,
                                   Deadline deadline);

bool blocks(const std::vector<Finding>& findings);
// Whether one of those that block is about this, e.g. kQuarantine.
bool blocked_by(const std::vector<Finding>& findings, std::string_view what);
// One line per finding, aligned, from this grade on.
std::string describe(const std::vector<Finding>& findings, Finding::Grade least);
Json to_json(const std::vector<Finding>& findings);

}  // namespace harness::run
