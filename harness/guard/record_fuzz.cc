// Records of any content, as they arrive at the guard: no crash, and what is taken is written as it
// was read. Built with -DHOOKSHOT_FUZZ=ON and clang; fuzz_seeds writes the corpus to begin with.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "harness/guard/protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace harness;
  const auto json = parse_json({reinterpret_cast<const char*>(data), size});
  if (!json) {
    return 0;
  }
  const auto record = guard::arm_record_from_json(*json);
  if (!record) {
    return 0;
  }
  const Json written = guard::to_json(*record);
  const auto again = guard::arm_record_from_json(written);
  if (!again || guard::to_json(*again) != written) {
    std::abort();
  }
  return 0;
}
