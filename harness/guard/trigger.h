// The wait for the moment, on the node: reads the unit's journal each millisecond, watches
// manifests and containers, and fires the armed action at marker plus offset.
//
// It fires only in an invocation of the unit that began after arming (unless the record says
// otherwise), and only once. It does not fire, and says why, when the window closes first, when a
// new invocation begins while the window is open, when the lease ran out, or when there is nothing
// to kill.
#pragma once

#include <string>

#include "harness/guard/protocol.h"
#include "harness/guard/store.h"

namespace harness::guard {

// What the trigger has seen so far, apart from the world, so that it can be tested with facts from
// a list.
class TriggerLogic {
 public:
  // `baseline`: the unit's invocation while arming; empty when it had none.
  TriggerLogic(const Trigger& trigger, std::string baseline)
      : trigger_(trigger), baseline_(std::move(baseline)) {}

  enum class Verdict { wait, armed, missed };
  // armed: the opening marker came; fire at fire_at_mono_us(). missed: see reason().
  Verdict feed(const Json& fact);

  bool opened() const { return opened_mono_us_ != 0; }

  std::int64_t fire_at_mono_us() const { return opened_mono_us_ + trigger_.offset.count(); }

  std::int64_t opened_mono_us() const { return opened_mono_us_; }

  std::int64_t opened_wall_us() const { return opened_wall_us_; }

  const std::string& invocation() const { return invocation_; }

  const std::string& reason() const { return reason_; }

 private:
  bool eligible() const;

  const Trigger& trigger_;
  const std::string baseline_;
  std::string invocation_;
  std::int64_t opened_mono_us_ = 0;
  std::int64_t opened_wall_us_ = 0;
  std::string reason_;
};

// The unit's InvocationID as systemd gives it; empty when it has none.
std::string current_invocation(const std::string& unit);

// The verb `trigger`, run by systemd. Returns the process's exit status.
int run_trigger(Store& store, const std::string& id);

// Milliseconds since the controller's last heartbeat, which is kept in <run>/heartbeat; since boot
// when there was none.
std::int64_t heartbeat_age_ms(const std::string& run);
Status beat(const std::string& run);

}  // namespace harness::guard
