// Clients for the ports of one node, kept between requests, so that a probe ten times a second
// costs one round trip and not a TLS handshake.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/cluster/node.h"
#include "harness/http/client.h"

namespace harness::cluster {

class HttpPool {
 public:
  // A socket to a port, as seen from the node.
  using Connect = std::function<Result<http::Socket>(const std::string& host, int port, Deadline)>;

  explicit HttpPool(Connect connect) : connect_(std::move(connect)) {}

  Result<HttpResponse> send(const HttpRequest& request, Deadline deadline);
  // Forgets the connections, after the one that carried them is gone.
  void clear();

 private:
  // Credentials belong to the key: a connection made with one certificate never serves another.
  using Key =
      std::tuple<std::string, int, bool, std::string, std::string, std::string, std::string>;

  http::Client take(const Key& key, const HttpRequest& request);

  const Connect connect_;
  std::mutex mutex_;
  std::map<Key, std::vector<http::Client>> idle_;
};

}  // namespace harness::cluster
