// What answers on the node's own ports, looked at without ever waiting.
//
// A port: the kernel's table of listeners is read, and no connection is made. A service that is
// asked two hundred times a second would write a line about each handshake that did not come.
// An HTTP status: one GET at a time over loopback, plain HTTP only. The guard has no TLS: neither
// 9345 nor 6443 can be asked for a status, only seen to listen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <poll.h>

#include "harness/base/time.h"
#include "harness/event/marker.h"
#include "harness/guard/file_watch.h"

namespace harness::guard {

class EndpointWatch {
 public:
  struct Options {
    // Those of kind tcp and http say what to look at; the others are passed over.
    std::vector<event::Marker> markers;
    // The tables of listeners, IPv4 and IPv6.
    std::vector<std::string> tables = {"/proc/net/tcp", "/proc/net/tcp6"};
    Microseconds port_period{5000};
    Microseconds http_period{20'000};
    // An HTTP server that takes longer has not answered.
    Microseconds patience{2'000'000};
  };

  explicit EndpointWatch(Options options);
  ~EndpointWatch();
  EndpointWatch(const EndpointWatch&) = delete;
  EndpointWatch& operator=(const EndpointWatch&) = delete;

  // Facts `tcp` {port, state} and `http` {url, status}, when they change; what the first look finds
  // is marked "initial". Status 0: nothing answered, or not in HTTP.
  void poll(const Take& take);
  void wait_on(std::vector<pollfd>& watched) const;

 private:
  struct Port {
    int port = 0;
    int listens = -1;  // -1: not known yet
  };

  struct Page {
    std::string url;
    event::LoopbackUrl where;
    std::string request;
    int status = -1;  // -1: not known yet
    int fd = -1;
    bool told = false;  // of the present request
    std::size_t sent = 0;
    std::string answer;
    std::int64_t asked_at = 0;
    std::int64_t next_at = 0;
  };

  void look_at_ports(const Take& take);
  void ask(Page& page, const Take& take) const;
  void go_on(Page& page, const Take& take) const;
  static void tell(Page& page, int status, const Take& take);

  const Options options_;
  std::vector<Port> ports_;
  std::vector<Page> pages_;
  std::int64_t ports_at_ = 0;
};

// The ports of a table of /proc/net/tcp's form on which something listens; listeners come first in
// it, and nothing behind them is read.
std::vector<int> listening_ports(const std::string& table);

}  // namespace harness::guard
