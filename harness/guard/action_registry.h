// A registry that cannot be reached any more: the addresses behind its name, cut off at its port
// and asked for anew while it lasts, as a name's addresses change.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/names.h"
#include "harness/guard/action_hold.h"

namespace harness::guard {

inline constexpr std::int64_t kResolveAgainUs = 5'000'000;

// The names that are pulled from in its stead: of docker.io these are others.
std::vector<std::string> names_behind(const std::string& host);
// Its addresses, as `getent ahosts` knows them now. An error says that it cannot be resolved, or
// that it is the node itself.
Result<std::vector<std::string>> resolve(const std::string& host, const Means& means);

// Adds what the names resolve to later, for what is left of the hold. What cannot be resolved is
// asked for again.
class RegistryCut : public Standing {
 public:
  RegistryCut(std::string table,
              std::string host,
              std::vector<std::string> known,
              std::int64_t over_us,
              Means means);
  std::int64_t step(std::int64_t mono_us) override;

 private:
  const std::string table_;
  const std::string host_;
  std::vector<std::string> known_;
  const std::int64_t over_us_;
  const Means means_;
  std::int64_t next_us_ = 0;
};

// record.action.host at its port, or at 443 and 80 where none is given.
Result<Struck> strike_registry(const ArmRecord& record, const Means& means);

}  // namespace harness::guard
