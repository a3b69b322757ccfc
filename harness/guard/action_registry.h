// A registry that nothing can be pulled from any more: the addresses behind its name and those of
// its mirrors, cut off at their ports and asked for anew while it lasts, as a name's addresses
// change.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/guard/action_hold.h"

namespace harness::guard {

inline constexpr std::int64_t kResolveAgainUs = 5'000'000;

// Its addresses, as `getent ahosts` knows them now. An error says that it cannot be resolved, or
// that it is the node itself.
Result<std::vector<std::string>> resolve(const std::string& host, const Means& means);

// Adds what the hosts resolve to later, for what is left of the hold: one at each step, so that a
// name server that gives no answer takes no longer than for one. What cannot be resolved is asked
// for again.
class RegistryCut : public Standing {
 public:
  RegistryCut(std::string table,
              std::vector<std::string> hosts,
              std::vector<std::string> known,
              std::int64_t over_us,
              Means means);
  std::int64_t step(std::int64_t mono_us) override;

 private:
  const std::string table_;
  const std::vector<std::string> hosts_;
  std::vector<std::string> known_;
  const std::int64_t over_us_;
  const Means means_;
  std::int64_t next_us_ = 0;
  std::size_t turn_ = 0;
};

// record.action.host at its port, or at 443 and 80 where none is given, and the mirrors that
// containerd has for it, all of them at the ports of each. not_supported, and nothing was touched,
// where pulls go by something that is not cut off.
Result<Struck> strike_registry(const ArmRecord& record, const Means& means);

}  // namespace harness::guard
