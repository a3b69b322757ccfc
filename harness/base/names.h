// Small languages that an inventory, a plan and the guard must read alike: what passes a plan may
// not be refused on the node.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace harness {

// [A-Za-z0-9._-], 1 to 64, not beginning with a dash or a dot.
bool is_cluster_name(std::string_view text);

// Absolute, at most 1024 bytes, no control characters, no empty, `.` or `..` component.
bool is_plain_path(std::string_view text);

// A byte that no path, name or word of ours may hold: below blank, or delete.
bool has_control_character(std::string_view text);

// An IPv4 or IPv6 address in its one usual form, without zone or brackets; empty when it is none.
std::string ip_address_of(std::string_view text);
// 127.0.0.0/8 and ::1, of what ip_address_of gave.
bool is_loopback(std::string_view address);

struct HostPort {
  std::string host;  // a name in small letters, or an address
  int port = 0;      // 0: none was given
};

// "docker.io", "registry.example:5000", "192.0.2.7", "2001:db8::7", "[2001:db8::7]:5000".
std::optional<HostPort> host_port_of(std::string_view text);

}  // namespace harness
