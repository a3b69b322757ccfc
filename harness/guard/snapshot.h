// What of a node faults can change, read before a fault and again after its undo, by other ways
// than the undo's own: what is different then and bears the fault's mark is left of it, whatever
// the undo says. What others changed meanwhile (RKE2, an upgrade, pods that came and went) is told,
// and left alone.
//
// Tables of the firewall by name, qdiscs, limits of control groups, manifests and certificates by
// digest, files and units of ours, the service, mounts, stopped processes, who keeps the clock, and
// the clock. Not the rules of other tables, and no file's content.
#pragma once

#include <string>
#include <vector>

#include "harness/guard/action_hold.h"
#include "harness/guard/store.h"

namespace harness::guard {

struct SnapshotPlaces {
  std::string cgroups = "/sys/fs/cgroup";
  std::string mounts = "/proc/self/mountinfo";
};

// {"boot_id", "wall_us", "boot_us", "entries": {"qdisc eth0": "prio 1:"}, "unread": {"qdisc":
// "why"}}. Never fails: what gives no answer is unread, and not compared.
Json take_snapshot(const ArmRecord& record, const Means& means, const SnapshotPlaces& places = {});

struct Difference {
  std::string what;
  std::string was;  // empty: it was not there
  std::string is;   // empty: it is not there
  bool ours = false;
};

// `held`: what the record keeps of what it did. Units of other records are left out.
std::vector<Difference> differences(const Json& before,
                                    const Json& after,
                                    const ArmRecord& record,
                                    const Json& held);

struct Compared {
  Json left = Json::array();     // "limit /...: was '', is '...'", of the fault
  Json changed = Json::array();  // the same, of others; the first few
  std::string summary;
};

// Looks again while something of the fault is still there, for as long as `settles`. `before`: null
// when none was taken.
Compared compare(const RecordState& state,
                 const Json& before,
                 const Means& means,
                 std::chrono::milliseconds settles,
                 const SnapshotPlaces& places = {});

}  // namespace harness::guard
