#include "harness/guard/decompress.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include <zstd.h>

namespace harness::guard {
namespace {

// Lengths of LZ4 tokens go on in bytes of 255 until a smaller one.
bool extend(std::string_view& in, std::size_t& length) {
  if (length != 15) {
    return true;
  }
  while (!in.empty()) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    length += byte;
    if (byte != 255) {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<std::string> decompress_zstd(std::string_view frame, std::size_t limit) {
  const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(),
                                                                          ZSTD_freeDStream);
  std::string out(std::min<std::size_t>(limit, 1U << 16U), '\0');
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  while (to.pos < to.size) {
    const std::size_t before = in.pos + to.pos;
    const std::size_t result = ZSTD_decompressStream(stream.get(), &to, &in);
    if (ZSTD_isError(result) != 0) {
      return fail(ErrorCode::remote_failed,
                  std::string("a journal field does not decompress: ") + ZSTD_getErrorName(result));
    }
    if (result == 0 || in.pos + to.pos == before) {
      break;
    }
    if (to.pos == to.size && out.size() < limit) {
      out.resize(std::min(limit, out.size() * 2));
      to.dst = out.data();
      to.size = out.size();
    }
  }
  out.resize(to.pos);
  return out;
}

Result<std::string> decompress_lz4(std::string_view stored, std::size_t limit) {
  const auto broken = [] {
    return fail(ErrorCode::remote_failed, "a journal field does not decompress: broken LZ4 block");
  };
  if (stored.size() < 8) {
    return broken();
  }
  std::uint64_t size = 0;
  std::memcpy(&size, stored.data(), 8);
  std::string_view in = stored.substr(8);
  std::string out;
  while (!in.empty() && out.size() < std::min<std::uint64_t>(size, limit)) {
    const auto token = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    std::size_t literals = token >> 4U;
    if (!extend(in, literals) || literals > in.size()) {
      return broken();
    }
    out.append(in.substr(0, literals));
    in.remove_prefix(literals);
    if (in.empty()) {
      break;
    }
    if (in.size() < 2) {
      return broken();
    }
    const std::size_t distance = static_cast<unsigned char>(in[0]) |
                                 static_cast<std::size_t>(static_cast<unsigned char>(in[1])) << 8U;
    in.remove_prefix(2);
    std::size_t match = token & 15U;
    if (!extend(in, match) || distance == 0 || distance > out.size()) {
      return broken();
    }
    for (match += 4; match > 0 && out.size() < limit; --match) {
      out += out[out.size() - distance];
    }
  }
  out.resize(std::min<std::size_t>(out.size(), std::min<std::uint64_t>(size, limit)));
  return out;
}

}  // namespace harness::guard
