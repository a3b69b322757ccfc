// One command at a time on a lab, and on what all labs of this machine share.
#pragma once

#include <filesystem>
#include <string>

#include "harness/base/result.h"
#include "harness/exec/unique_fd.h"

namespace harness::lab {

// Held for the time of a command. `how`: as for flock. refused: another command has it.
Result<exec::UniqueFd> lock(const std::filesystem::path& path, int how, const std::string& what);
// The lab's own, at once or not at all; its folder is made.
Result<exec::UniqueFd> claim(const std::string& name);

}  // namespace harness::lab
