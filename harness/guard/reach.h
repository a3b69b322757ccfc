// Whether something answers at an address: a TCP connection that comes about, or an answer to a DNS
// query. The proof that a fault of the network is there, or is not.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace harness::guard {

struct Endpoint {
  std::string address;  // IPv4 or IPv6
  int port = 0;
  bool dns = false;  // one query by datagram instead of a connection
  bool operator==(const Endpoint&) const = default;
};

// answered: connected, or an answer came. refused: by a reset or an unreachable port. blocked: this
// node's kernel did not let it out. silent: nothing within the limit. failed: no route and the
// like.
enum class Reach { answered, refused, blocked, silent, failed };
std::string_view to_string(Reach reach);
// "192.0.2.7:2380", "[2001:db8::7]:2380".
std::string to_string(const Endpoint& endpoint);

// All at once, in order; returns as soon as each has an end, and after the limit at the latest.
std::vector<Reach> try_reach(const std::vector<Endpoint>& all, std::chrono::milliseconds limit);

}  // namespace harness::guard
