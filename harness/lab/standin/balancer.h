// The loopback load balancer of an agent: its kubelet asks 127.0.0.1, and this passes the bytes on
// to a server.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace harness::standin {

class Balancer {
 public:
  Balancer() = default;
  ~Balancer();
  Balancer(const Balancer&) = delete;
  Balancer& operator=(const Balancer&) = delete;
  Balancer(Balancer&&) = delete;
  Balancer& operator=(Balancer&&) = delete;
  // Listens on 127.0.0.1 and tries the targets (address:port) in order for each connection. Port 0
  // takes a free one.
  Status listen(const std::string& name, std::uint16_t port, std::vector<std::string> targets);

  std::uint16_t port() const { return port_; }

 private:
  void accept_forever() const;
  void pass(int client) const;

  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::vector<std::string> targets_;
};

}  // namespace harness::standin
