// The guard's binary, carried inside hookshot, so that what runs on a node is what this build made.
#pragma once

#include <span>
#include <string_view>

namespace harness::guard {

std::span<const unsigned char> binary();
// Lower-case hex.
std::string_view sha256();

}  // namespace harness::guard
