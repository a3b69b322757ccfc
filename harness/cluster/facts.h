// What preflight wants to know about a node, asked of its guard, and how its clock stands to ours.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/cluster/node.h"

namespace harness::cluster {

struct NodeFacts {
  std::string node;
  std::string boot_id;
  std::string machine_id;
  std::string hostname;
  std::string os;
  std::string kernel;
  std::string systemd;
  std::string allow;  // the cluster whose marker the node carries; empty: none
  std::string guard_sha256;
  bool sysrq = false;
  bool own_clock = false;  // not its host's, as a container's is
  bool io_limits = false;  // cgroup v2 with the io controller
  bool quarantine = false;
  std::map<std::string, bool> tools;
  std::map<std::string, bool>
      kernel_parts;  // nf_tables, netem, fanotify, pidfd; empty: not asked for
  // Why systemd cannot run the guard, which is how everything is undone; empty: it can. None: not
  // asked for.
  std::optional<std::string> unit_problem;
  std::map<std::string, std::int64_t> free_kb;  // by path
  // Node wall clock minus ours, and how wrong that may be: half of the shortest round trip seen.
  Microseconds clock_offset{0};
  Microseconds clock_error{0};
  Json raw;  // the guard's own line
};

// What the node's kernel is made of, and whether systemd can run the guard, may take that some
// tenths of a second to find out.
enum class KernelParts { left_out, asked };

// Asks `facts` a few times and keeps the shortest round trip for the clock. `parts` are asked once.
Result<NodeFacts> ask_facts(Node& node,
                            const std::string& cluster,
                            Deadline deadline,
                            KernelParts parts = KernelParts::left_out);

}  // namespace harness::cluster
