// HTTPS and unix-socket requests by libcurl. One connection per object, not for two threads at
// once. Error texts are those of the product's own language library, since they end up in its log
// lines.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace harness::standin {

struct Identity {
  std::string ca;  // path; empty: the server is not verified
  std::string certificate;
  std::string key;
  std::string user_password;  // basic authentication
};

struct HttpRequest {
  std::string method = "GET";
  std::string path;
  std::string body;
  std::map<std::string, std::string> headers;
  std::chrono::milliseconds timeout = std::chrono::seconds(32);
};

struct HttpReply {
  long status = 0;
  std::string body;
  std::map<std::string, std::string> headers;  // lower case; trailers too
};

class HttpClient {
 public:
  HttpClient(std::string base_url, Identity identity);
  // HTTP/2 with prior knowledge on a unix socket.
  static HttpClient on_socket(std::string socket_path);
  // HTTP/2 over TLS.
  static HttpClient http2(std::string base_url, Identity identity);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  // An error is a connection that failed; an answer of any status is a reply.
  Result<HttpReply> send(const HttpRequest& request);
  // Feeds whole lines of an endless answer until `line` returns false, the answer ends or the time
  // is over.
  Status follow(const HttpRequest& request, const std::function<bool(std::string_view)>& line);

 private:
  struct State;
  explicit HttpClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace harness::standin
