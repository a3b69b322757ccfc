// HTTP over a socket that somebody else connected: one client per endpoint, its connection kept
// between requests, a new socket asked for when it is gone. libcurl stays inside client.cc.
//
// A client is used by one thread at a time. Nothing that a request carries is ever printed.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "harness/base/result.h"
#include "harness/base/time.h"

namespace harness::http {

struct Credentials {
  std::string client_cert_pem{};
  std::string client_key_pem{};
  std::string ca_pem{};      // the server is verified against this; empty: it is not verified
  std::string basic_user{};  // user:password
};

struct Request {
  std::string method = "GET";
  std::string path = "/";
  std::string body{};
  std::string content_type = "application/json";
};

struct Response {
  int status = 0;
  std::string body{};
  Microseconds latency{0};  // from handing over the request to the last byte
  bool fresh = false;       // a new connection was made for it
};

// A stream socket, owned by who receives it. With an address it is still to be connected there, by
// connect(2), once; without one it is connected already, which libcurl 7.88 (Debian 12) cannot use:
// it calls connect(2) all the same (curl issue 10626).
struct Socket {
  int fd = -1;
  std::string address{};  // the bytes of a sockaddr
};

using SocketFactory = std::function<Result<Socket>(Deadline)>;

class Client {
 public:
  // `host` and `port` name the endpoint in URLs and in the server's certificate.
  Client(std::string host, int port, bool tls, Credentials credentials, SocketFactory connect);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  // Every HTTP status is a response; redirects are not followed. Errors: what the factory said;
  // remote_failed: connection closed or reset, TLS refused, body over the cap; refused: the
  // server's certificate is not trusted, so something else answers; timed_out.
  Result<Response> send(const Request& request, Deadline deadline);

  void set_body_cap(std::size_t bytes);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace harness::http
