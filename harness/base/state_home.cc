#include "harness/base/state_home.h"

#include <cstdlib>

namespace harness {

std::filesystem::path state_home() {
  namespace fs = std::filesystem;
  const char* set = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  const fs::path base = set != nullptr && *set != '\0'
                            ? fs::path(set)
                            : fs::path(home != nullptr ? home : "/root") / ".local/state";
  return base / "hookshot";
}

}  // namespace harness
