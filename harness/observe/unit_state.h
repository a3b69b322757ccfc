// What systemd says about one unit of a node, and which boot it says it in.
#pragma once

#include <cstdint>
#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/cluster/node.h"

namespace harness::observe {

struct UnitState {
  std::string load;        // loaded, not-found, masked
  std::string active;      // active, activating, deactivating, inactive, failed
  std::string sub;         // running, start, auto-restart, dead
  std::string result;      // success, exit-code, signal, timeout
  std::string invocation;  // 32 hex digits, empty when it never ran
  std::int64_t main_pid = 0;
  std::int64_t n_restarts = 0;
  std::int64_t exec_status = 0;
  std::string job;  // "27 start" style id while a job is queued, else empty
  std::string boot_id;

  // "activating (start), invocation 3f2a.., 2 restarts": for messages and for what was last seen.
  std::string describe() const;
  // The fields of the fact `unit`.
  Json to_json(const std::string& unit) const;
};

Result<UnitState> read_unit(cluster::Node& node, Deadline deadline);
Result<std::string> read_boot_id(cluster::Node& node, Deadline deadline);

}  // namespace harness::observe
