// Payloads of journal fields, as journald compresses them.
#pragma once

#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace harness::guard {

// A zstd frame. At most `limit` bytes are returned; the rest is left out, which is not an error.
Result<std::string> decompress_zstd(std::string_view frame, std::size_t limit);
// Eight bytes of size, little-endian, then one LZ4 block.
Result<std::string> decompress_lz4(std::string_view stored, std::size_t limit);

}  // namespace harness::guard
