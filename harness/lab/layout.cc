#include "harness/lab/layout.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "harness/base/seed.h"

namespace harness::lab {

namespace {

constexpr std::size_t kLongestName = 12;
constexpr std::uint32_t kPool = 0x0A800000;  // 10.128.0.0/9
constexpr std::uint32_t kSubnets = 1u << 15;

std::optional<int> number(std::string_view text, int limit) {
  int value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value < 0 || value > limit) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
  std::uint32_t value = 0;
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = part < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) {
      return std::nullopt;
    }
    const auto byte = number(text.substr(0, dot), 255);
    if (!byte) {
      return std::nullopt;
    }
    value = value << 8 | static_cast<std::uint32_t>(*byte);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return value;
}

std::string format_ipv4(std::uint32_t value) {
  return fmt::format(
      "{}.{}.{}.{}", value >> 24, value >> 16 & 0xFF, value >> 8 & 0xFF, value & 0xFF);
}

struct Network {
  std::uint32_t address = 0;
  int length = 32;

  bool overlaps(const Network& other) const {
    const int shorter = std::min(length, other.length);
    const std::uint32_t mask = shorter == 0 ? 0 : ~0u << (32 - shorter);
    return (address & mask) == (other.address & mask);
  }
};

std::optional<Network> parse_network(std::string_view text) {
  Network network;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto length = number(text.substr(slash + 1), 32);
    if (!length) {
      return std::nullopt;
    }
    network.length = *length;
  }
  const auto address = parse_ipv4(text.substr(0, slash));
  if (!address) {
    return std::nullopt;
  }
  network.address = *address;
  return network;
}

std::vector<Network> parse_routes(std::string_view text) {
  std::vector<Network> found;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      // "blackhole 10.0.0.0/8" and the like have their kind first.
      if (const auto network = parse_network(word)) {
        found.push_back(*network);
        break;
      }
      if (word == "default") {
        break;
      }
    }
  }
  return found;
}

bool free_of(const std::vector<Network>& routes, const Network& wanted) {
  return std::none_of(routes.begin(), routes.end(), [&](const Network& route) {
    return route.length > 0 && route.overlaps(wanted);
  });
}

std::filesystem::path from_environment(const char* variable, const char* below_home) {
  if (const char* value = std::getenv(variable); value != nullptr && *value == '/') {
    return value;
  }
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr && *home == '/' ? home : "/root") / below_home;
}

}  // namespace

Status check_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (name.empty() || name.size() > kLongestName || !std::all_of(name.begin(), name.end(), fits) ||
      name.front() < 'a' || name.back() == '-') {
    return fail(ErrorCode::invalid_input,
                fmt::format("'{}' cannot name a lab: 1 to {} lower-case letters, digits and "
                            "dashes, a letter first and no dash last",
                            name,
                            kLongestName));
  }
  return {};
}

std::string Layout::machine(std::string_view node) const {
  return fmt::format("hk-{}-{}", name, node);
}

bool overlaps(std::string_view routes, std::string_view address) {
  const auto parsed = parse_ipv4(address);
  return parsed && !free_of(parse_routes(routes), Network{*parsed, kPrefixLength});
}

Result<Layout> make_layout(const std::string& name,
                           int servers,
                           int agents,
                           std::string_view routes) {
  TRY(check_name(name), "");
  const std::vector<Network> taken = parse_routes(routes);
  const auto first = static_cast<std::uint32_t>(stable_hash(name) % kSubnets);
  for (std::uint32_t step = 0; step < kSubnets; ++step) {
    const std::uint32_t base = kPool + (((first + step) % kSubnets) << 8);
    if (!free_of(taken, Network{base, kPrefixLength})) {
      continue;
    }
    Layout layout{name, "hk-" + name, format_ipv4(base + 1), {}};
    for (int i = 1; i <= servers; ++i) {
      layout.nodes.push_back({fmt::format("cp-{}", i), "server", format_ipv4(base + 10 + i)});
    }
    for (int i = 1; i <= agents; ++i) {
      layout.nodes.push_back({fmt::format("w-{}", i), "agent", format_ipv4(base + 30 + i)});
    }
    return layout;
  }
  return fail(ErrorCode::not_supported,
              "no /24 of 10.128.0.0/9 is free for the lab: this machine has routes to all of it");
}

Folders Folders::of_environment() {
  const char* share = std::getenv("HOOKSHOT_SHARE");
  return {from_environment("XDG_STATE_HOME", ".local/state") / "hookshot/lab",
          from_environment("XDG_CACHE_HOME", ".cache") / "hookshot/lab",
          std::filesystem::path(share != nullptr && *share != '\0' ? share : HOOKSHOT_SHARE_DIR) /
              "scripts/lab"};
}

}  // namespace harness::lab
