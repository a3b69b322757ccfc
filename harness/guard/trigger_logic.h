// Which fact opens the trigger's window, which closes it, and when the fault is due.
#pragma once

#include <string>

#include "harness/guard/protocol.h"

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

}  // namespace harness::guard
