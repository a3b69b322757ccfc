// A small HTTPS server: one thread per connection, one request per connection. For the supervisor's
// port only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "harness/lab/standin/x509.h"

namespace harness::standin {

struct ServerRequest {
  std::string method;
  std::string path;                            // without the query
  std::map<std::string, std::string> headers;  // lower case
  std::string body;
  std::string peer;  // the client's address, without its port
};

struct ServerReply {
  int status = 200;
  std::string body;
  std::string type = "text/plain";
};

using Handler = std::function<ServerReply(const ServerRequest&)>;

// The head of a request, up to and without its empty line; false when it is none.
bool parse_head(std::string_view head, ServerRequest& into);
std::string render_reply(const ServerReply& reply);

class HttpsServer {
 public:
  HttpsServer();
  ~HttpsServer();
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;
  HttpsServer(HttpsServer&&) = delete;
  HttpsServer& operator=(HttpsServer&&) = delete;
  // Listens on all addresses; port 0 takes a free one. Until a handler is set every request gets
  // 503 `starting`.
  Status listen(std::uint16_t port, const x509::Pair& certificate);

  std::uint16_t port() const { return port_; }

  void set_handler(Handler handler);

 private:
  struct Context;
  void accept_forever();
  void serve(int fd);
  ServerReply answer(const ServerRequest& request);

  std::unique_ptr<Context> context_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  Handler handler_;
};

}  // namespace harness::standin
