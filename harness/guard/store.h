// The guard's records: what was armed, how far it got, what proves it. They are on the node's disk;
// while it does not take them, their state is in memory (mirror.h), and comes to the disk as soon
// as that can be written again. A record moves from armed/ to done/ when it is verified.
#pragma once

#include <string>
#include <vector>

#include "harness/guard/directory_lock.h"
#include "harness/guard/mirror.h"
#include "harness/guard/places.h"
#include "harness/guard/protocol.h"
#include "harness/guard/system.h"

namespace harness::guard {

// Why nothing is fired, woken or armed on such a node.
inline constexpr const char* kInQuarantine =
    "this node is in quarantine, as an earlier fault could not be undone; `hookshot heal` says "
    "what "
    "is left";

// state: ARMED APPLYING APPLIED, or MISSED or EXPIRED where nothing was fired; at the end VERIFIED,
// or DIRTY while what it did is not taken back. An undo that is cut off leaves the state as it
// was: it is done again.
// outcome: "" while open, then applied, missed, unsupported (this node cannot do it), expired
struct RecordState {
  ArmRecord record;
  Json progress = Json::object();  // state, outcome, reason, boot_id, invocation, opened, seen,
                                   // begun, effect, evidence

  std::string state() const { return json_string(progress, "state"); }

  std::string outcome() const { return json_string(progress, "outcome"); }

  // The line of `status`, and the fact `fault` of the watch stream. Without what is held for the
  // undo: the content of the node's files does not leave it.
  Json to_json(const char* type) const;
};

class Store {
 public:
  explicit Store(Places places = {});

  const Places& places() const { return places_; }

  const std::string& dir() const { return places_.state; }

  const Mirror& mirror() const { return mirror_; }

  // Controller, timer and boot unit never revert at once.
  Result<DirectoryLock> lock() const { return DirectoryLock::take(dir()); }

  // Writes the record, its first state and what the node looks like before it to the disk. Nothing
  // is left behind when it fails.
  Status create(const RecordState& state, const Json& snapshot = {});
  // What was given to create(); null when there is none, or it cannot be read. It goes when the
  // record is finished.
  Json snapshot_of(const std::string& id) const;
  // To the disk, and while that does not take it, to memory.
  Status save(const RecordState& state);
  // As save, but not waited for by the disk: for a step that must not delay the next.
  Status note(const RecordState& state);
  // To the disk alone: for what the next boot must know.
  Status commit(const RecordState& state);
  Result<RecordState> load(const std::string& id) const;
  std::vector<RecordState> armed() const;
  // Records that are there and cannot be read: cut off while they were written, or another
  // build's.
  std::vector<std::string> unreadable() const;
  // The names of all that is armed, readable or not.
  std::vector<std::string> armed_ids() const;
  // How far a record got, without the record itself: what it holds of the node is in there.
  Result<Json> progress_of(const std::string& id) const;
  // True when nothing ever wrote how far it got: it was cut off before it was armed.
  bool has_no_progress(const std::string& id) const;
  // What an undo must know of the ones before it: "tries", "unknown_in". Empty: there was none.
  Json undo_note(const std::string& id) const;
  Status note_undo(const std::string& id, const Json& note);
  // Out of the armed ones, kept below broken/ for whoever looks into it, without the content of the
  // node's files. What of its state cannot be parsed is kept as it is.
  Status set_aside(const std::string& id);
  std::vector<RecordState> done() const;
  // Verified, and no boot can wake it.
  bool over(const RecordState& state) const;
  // To done/, where only the last hundred are kept, without the content of the node's files. On a
  // full disk that goes when the disk takes the state.
  Status finish(const RecordState& state);
  bool quarantined() const;
  Status quarantine(const std::string& why);
  Status lift_quarantine();

  // True while the state of this record, or of any, is only in memory.
  bool mirrored(const std::string& id) const { return mirror_.holds(key(id)); }

  bool mirrored() const { return !mirror_.keys().empty(); }

  // To the disk what is only in memory, if the disk takes it by now: of one record, or all there
  // is, for which the caller holds lock().
  Status fold(const std::string& id) const;
  void fold_all();
  // Differs when what load() gives may differ; empty when there is no such record.
  std::string version(const std::string& id) const;

  // The file beside a record for what stood on the node before its harm; gone when that is back.
  std::string before_of(const std::string& id) const { return armed_dir() + "/" + id + "/before"; }

  std::string armed_dir() const { return dir() + "/armed"; }

  std::string done_dir() const { return dir() + "/done"; }

 private:
  static std::string key(const std::string& id) { return "record-" + id; }

  static std::string undo_key(const std::string& id) { return "undo-" + id; }

  std::string undo_file(const std::string& id) const {
    return armed_dir() + "/" + id + "/undo.json";
  }

  std::string directory_of(const std::string& id) const;

  std::string snapshot_file(const std::string& id) const {
    return armed_dir() + "/" + id + "/snapshot.json";
  }

  Status put(const RecordState& state, Sync sync);
  Result<RecordState> load_from(const std::string& directory) const;
  std::vector<RecordState> list(const std::string& directory) const;
  Status move_to_done(const std::string& id);
  void forget_oldest();

  Places places_;
  Mirror mirror_;
};

}  // namespace harness::guard
