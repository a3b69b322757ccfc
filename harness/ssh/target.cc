#include "harness/ssh/target.h"

#include <algorithm>

#include <fmt/format.h>

namespace harness::ssh {
namespace {

constexpr int kMostJumps = 4;

bool one_of_ours(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._-").find(c) != std::string_view::npos;
}

bool host_character(char c) {
  return one_of_ours(c) || c == ':';
}

Status check(const Target& target, int jumps) {
  const std::string who = target.name.empty() ? target.host : target.name;
  const auto wrong = [&who](std::string_view field, std::string_view value, std::string_view need) {
    std::string shown;
    for (const char c : value.substr(0, 80)) {
      const bool odd = static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e;
      shown += odd ? '?' : c;
    }
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: the {} '{}' is not usable: {}", who, field, shown, need));
  };
  const std::string& host = target.host;
  if (host.empty() || host.size() > 253 || host[0] == '-' ||
      !std::all_of(host.begin(), host.end(), host_character)) {
    return wrong("address", host, "give a host name or an IP address");
  }
  const std::string& user = target.user;
  if (user.empty() || user.size() > 64 || user[0] == '-' ||
      !std::all_of(user.begin(), user.end(), one_of_ours)) {
    return wrong("user", user, "letters, digits, '.', '_' and '-', not beginning with '-'");
  }
  if (target.port < 1 || target.port > 65535) {
    return wrong("port", std::to_string(target.port), "1 to 65535");
  }
  for (const auto* path : {&target.key_file, &target.agent_socket, &target.known_hosts}) {
    if (path->native().find_first_of(std::string_view("\0\n\r", 3)) != std::string::npos) {
      return wrong("path", path->native(), "it has a line end or a zero byte in it");
    }
  }
  if (target.known_hosts.empty()) {
    return wrong("known_hosts", "", "name the file that holds the host keys to trust");
  }
  if (target.jump != nullptr) {
    if (jumps >= kMostJumps) {
      return wrong("jump", target.jump->host, "more than four jump hosts in a row");
    }
    return check(*target.jump, jumps + 1);
  }
  return {};
}

}  // namespace

Status validate(const Target& target) {
  return check(target, 0);
}

std::string describe(const Target& target) {
  return fmt::format("{} ({}@{} port {}{})",
                     target.name.empty() ? target.host : target.name,
                     target.user,
                     target.host,
                     target.port,
                     target.jump ? " through " + target.jump->host : "");
}

}  // namespace harness::ssh
