// What a trigger does when its moment has come, or will not come: the action, and all that the
// record says of it afterwards.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "harness/guard/action.h"
#include "harness/guard/action_hold.h"
#include "harness/guard/file_watch.h"
#include "harness/guard/store.h"

namespace harness::guard {

// When the window opened by the journal's stamps, and when that was read. mono_us 0: it did not.
struct Opening {
  std::string invocation;
  std::int64_t mono_us = 0;
  std::int64_t wall_us = 0;
  Now seen = {};
};

// A trigger that hangs between its harm and the proof of it is ended so long, and kHangsAfter,
// after what its hold gives it: no fault asks the node for longer at once.
inline constexpr std::chrono::seconds kProvedWithin{120};

class Firing {
 public:
  Firing(Store& store, RecordState& state, ContainerWatch& containers)
      : store_(store), state_(state), containers_(containers) {}

  // Looks the unit's process up, once in an invocation, where the action needs it: systemd takes
  // ten milliseconds to tell, which is too long when the moment is there.
  void look_ahead(const std::string& invocation);

  // Both return the trigger's exit status: 1 when what became of it could not be kept. A node that
  // came into quarantine meanwhile is left alone: that is a miss.
  int fire(const Opening& opening);
  // outcome: missed, unsupported or expired.
  int miss(const Opening& opening, const std::string& outcome, const std::string& reason);

  // What must be kept up while the fault lasts; null: nothing.
  Standing* standing() const { return standing_.get(); }

  // What was not proved could not be taken back either: its undo is due at once.
  bool unreleased() const { return unreleased_; }

 private:
  void tell(const Opening& opening);
  // Notes that it is being done, before it is.
  Status begin();
  int not_done(const std::string& outcome, const std::string& reason);
  int strike_and_hold();
  int applied(const Deed& deed);
  // When systemd ends this trigger, of an action that leaves something to take back.
  void ends_in(std::chrono::milliseconds after) const;
  int kept(const Status& saved) const;

  Store& store_;
  RecordState& state_;
  ContainerWatch& containers_;
  std::unique_ptr<Standing> standing_;
  bool unreleased_ = false;
  std::optional<Main> main_;
  std::string main_of_;  // the invocation that it was looked up in
};

}  // namespace harness::guard
