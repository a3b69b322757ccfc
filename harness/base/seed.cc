#include "harness/base/seed.h"

namespace harness {

std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  return hash;
}

std::mt19937_64 Seed::stream(std::string_view name) const {
  return std::mt19937_64(stable_hash(name) ^ (value_ * 0x9E3779B97F4A7C15ULL));
}

}  // namespace harness
