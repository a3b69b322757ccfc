#include "harness/base/length.h"

#include <fmt/format.h>

namespace harness {

std::string format_length(Microseconds length) {
  if (length.count() < 0) {
    return "-" + format_length(-length);
  }
  const double ms = static_cast<double>(length.count()) / 1000;
  if (ms >= 999.5) {
    return fmt::format("{:.1f} s", ms / 1000);
  }
  return ms < 9.95 && length.count() != 0 ? fmt::format("{:.1f} ms", ms)
                                          : fmt::format("{:.0f} ms", ms);
}

}  // namespace harness
