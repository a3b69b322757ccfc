// Where this machine keeps what must outlive a process of ours: labs, and whose power may be off.
#pragma once

#include <filesystem>

namespace harness {

// ${XDG_STATE_HOME:-~/.local/state}/hookshot. It may not exist yet.
std::filesystem::path state_home();

}  // namespace harness
