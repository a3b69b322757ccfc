#include "harness/guard/pace.h"

#include <algorithm>

#include "harness/guard/system.h"

namespace harness::guard {

bool ready_before(std::vector<pollfd>& watched, std::int64_t mono_us) {
  const std::int64_t left = std::max<std::int64_t>(0, mono_us - now().mono_us);
  const timespec limit{left / 1'000'000, (left % 1'000'000) * 1000};
  return ppoll(watched.data(), watched.size(), &limit, nullptr) > 0;
}

}  // namespace harness::guard
