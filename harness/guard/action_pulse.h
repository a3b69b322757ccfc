// A service slowed without the kernel's cpu controller: its processes run only a share of the time,
// stopped and continued in turns by whoever holds this. What was ever stopped is in the record
// before it is, so that the undo continues it whoever dies in between.
//
// It ends with the main process that it began with: a service that is started anew runs at full
// speed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/guard/action_hold.h"

namespace harness::guard {

inline constexpr std::int64_t kPulseUs = 100'000;

class Pulses : public Standing {
 public:
  // `percent` of each pulse they run, 1 to 99.
  Pulses(std::string what, std::function<std::vector<Process>()> list, int percent, Means means);

  // The first stop and the first continuation, each read back from the kernel.
  Result<Deed> begin();
  // Stops or continues what is due. What cannot be put into the record is not stopped.
  std::int64_t step(std::int64_t mono_us) override;

 private:
  void stop_all();
  void continue_all();

  const std::string what_;
  const std::function<std::vector<Process>()> list_;
  const int percent_;
  const Means means_;
  std::vector<Process> all_;  // in the record
  bool stopped_ = false;
  std::int64_t next_us_ = 0;
};

// By the kernel's quota where there is one, else by pulses.
Result<Struck> slow(const ArmRecord& record, const Means& means);

// A process and what it has started directly: of rke2 these are containerd and kubelet. Shims and
// pods are nobody's children by then.
std::vector<Process> with_children(const Process& main, const std::string& proc);

}  // namespace harness::guard
