// Bytes inside JSON, as the guard sends and takes them.
#pragma once

#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace harness::cluster {

std::string to_base64(std::string_view bytes);
// remote_failed when it is not base64.
Result<std::string> from_base64(std::string_view text);

}  // namespace harness::cluster
