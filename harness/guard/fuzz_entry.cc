// libFuzzer's way in. Built with -DHOOKSHOT_FUZZ=ON and clang; FUZZED is a function of fuzzed.h.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "harness/guard/fuzzed.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string wrong =
      harness::guard::FUZZED(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    std::abort();
  }
  return 0;
}
