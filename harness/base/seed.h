// One seed per run; everything that looks random is drawn from it by name, so that a draw added in
// one place does not move the draws of another.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>

namespace harness {

class Seed {
 public:
  explicit Seed(std::uint64_t value) : value_(value) {}

  std::uint64_t value() const { return value_; }

  // A generator for one purpose, the same for the same seed and name on every machine.
  std::mt19937_64 stream(std::string_view name) const;

 private:
  std::uint64_t value_;
};

// FNV-1a; stable between builds and machines (std::hash is not).
std::uint64_t stable_hash(std::string_view text);

}  // namespace harness
