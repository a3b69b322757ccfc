// The guard's records on the node's disk: what was armed, how far it got, what proves it.
// Everything that matters survives a power cut; a record moves from armed/ to done/ when it is
// verified.
#pragma once

#include <string>
#include <vector>

#include "harness/guard/protocol.h"
#include "harness/guard/system.h"

namespace harness::guard {

// state: ARMED APPLYING APPLIED REVERTING REVERTED VERIFIED DIRTY
// outcome: "" while open, then applied, missed, expired
struct RecordState {
  ArmRecord record;
  Json progress = Json::object();  // state, outcome, reason, boot_id, invocation, opened, seen,
                                   // begun, effect, evidence

  std::string state() const { return json_string(progress, "state"); }

  std::string outcome() const { return json_string(progress, "outcome"); }

  // The line of `status`, and the fact `fault` of the watch stream.
  Json to_json(const char* type) const;
};

class Store {
 public:
  // Directories default to the real ones; tests give their own.
  explicit Store(std::string state_dir = std::string(kStateDir));

  const std::string& dir() const { return dir_; }

  // Writes the record and its first state, durably. Nothing is left behind when it fails.
  Status create(const RecordState& state);
  Status save(const RecordState& state);
  // As save, but not waited for by the disk: for a step that must not delay the next.
  Status note(const RecordState& state);
  Result<RecordState> load(const std::string& id) const;
  std::vector<RecordState> armed() const;
  // Records that are there and cannot be read: cut off while they were written, or another
  // build's. Nobody knows what they did.
  std::vector<std::string> unreadable() const;
  // Out of the armed ones, kept below broken/ for whoever looks into it.
  Status set_aside(const std::string& id);
  std::vector<RecordState> done() const;
  // To done/, where only the last hundred are kept.
  Status finish(const RecordState& state);
  bool quarantined() const;
  Status quarantine(const std::string& why);
  Status lift_quarantine();

  std::string armed_dir() const { return dir_ + "/armed"; }

 private:
  Result<RecordState> load_from(const std::string& directory) const;
  std::vector<RecordState> list(const std::string& directory) const;

  std::string dir_;
};

// Holds S/lock: controller, timer and boot unit never revert at once.
class StoreLock {
 public:
  explicit StoreLock(const Store& store);
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

 private:
  int fd_;
};

// The marker of the node: the cluster's name, or empty.
std::string allowed_cluster(const std::string& file = std::string(kAllowFile));
// refused unless the marker is exactly this cluster's.
Status check_allowed(const std::string& cluster, const std::string& file = std::string(kAllowFile));

}  // namespace harness::guard
