// A private key file, looked at before libssh gets it, so that the reader learns what is wrong with
// it.
#pragma once

#include <filesystem>

#include "harness/base/result.h"

namespace harness::ssh {

enum class KeyFile { plain, encrypted };

// invalid_input: not there, not readable, readable by others, or not a private key.
Result<KeyFile> inspect_key_file(const std::filesystem::path& path);

}  // namespace harness::ssh
