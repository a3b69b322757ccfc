#include "harness/cluster/targets.h"

#include <charconv>

#include <fmt/format.h>

namespace harness::cluster {
namespace {

// [user@]host[:port]; an IPv6 address with a port stands in brackets.
Result<ssh::Target> jump_of(const inventory::Node& node) {
  ssh::Target jump;
  std::string_view rest = node.ssh.jump;
  const auto wrong = [&node] {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("{}: the jump host '{}' is not [user@]host[:port]", node.name, node.ssh.jump));
  };
  jump.user = node.ssh.user;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    jump.user = rest.substr(0, at);
    rest.remove_prefix(at + 1);
  }
  std::string_view port;
  if (rest.starts_with('[')) {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos) {
      return wrong();
    }
    port = rest.substr(close + 1);
    rest = rest.substr(1, close - 1);
  } else if (const std::size_t colon = rest.find(':');
             colon != std::string_view::npos && colon == rest.rfind(':')) {
    port = rest.substr(colon);
    rest = rest.substr(0, colon);
  }
  if (!port.empty()) {
    const auto [end, problem] =
        std::from_chars(port.data() + 1, port.data() + port.size(), jump.port);
    if (port[0] != ':' || problem != std::errc() || end != port.data() + port.size()) {
      return wrong();
    }
  }
  jump.host = rest;
  jump.name = jump.host;
  jump.key_file = node.ssh.key;
  jump.known_hosts = node.ssh.known_hosts;
  TRY(ssh::validate(jump), node.name);
  return jump;
}

}  // namespace

Result<ssh::Target> target_of(const inventory::Node& node) {
  ssh::Target target;
  target.name = node.name;
  target.host = node.address;
  target.port = node.ssh.port;
  target.user = node.ssh.user;
  target.key_file = node.ssh.key;
  target.known_hosts = node.ssh.known_hosts;
  if (!node.ssh.jump.empty()) {
    TRY_ASSIGN(ssh::Target jump, jump_of(node), "");
    target.jump = std::make_shared<ssh::Target>(std::move(jump));
  }
  TRY(ssh::validate(target), "");
  return target;
}

}  // namespace harness::cluster
