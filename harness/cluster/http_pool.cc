#include "harness/cluster/http_pool.h"

namespace harness::cluster {
namespace {

constexpr std::size_t kIdlePerEndpoint = 4;
constexpr std::size_t kEndpoints = 64;

}  // namespace

http::Client HttpPool::take(const Key& key, const HttpRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = idle_.find(key);
    if (found != idle_.end() && !found->second.empty()) {
      http::Client client = std::move(found->second.back());
      found->second.pop_back();
      return client;
    }
  }
  return http::Client(request.host,
                      request.port,
                      request.tls,
                      {.client_cert_pem = request.client_cert_pem,
                       .client_key_pem = request.client_key_pem,
                       .ca_pem = request.ca_pem,
                       .basic_user = request.basic_user},
                      [this, host = request.host, port = request.port](Deadline deadline) {
                        return connect_(host, port, deadline);
                      });
}

Result<HttpResponse> HttpPool::send(const HttpRequest& request, Deadline deadline) {
  const Key key(request.host,
                request.port,
                request.tls,
                request.client_cert_pem,
                request.client_key_pem,
                request.ca_pem,
                request.basic_user);
  http::Client client = take(key, request);
  auto response = client.send({.method = request.method,
                               .path = request.path,
                               .body = request.body,
                               .content_type = request.content_type},
                              deadline);
  if (!response) {
    return fail(std::move(response).error());
  }
  {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kEndpoints || idle_.contains(key)) {
      auto& idle = idle_[key];
      if (idle.size() < kIdlePerEndpoint) {
        idle.push_back(std::move(client));
      }
    }
  }
  return HttpResponse{
      .status = response->status, .body = std::move(response->body), .latency = response->latency};
}

void HttpPool::clear() {
  const std::lock_guard lock(mutex_);
  idle_.clear();
}

}  // namespace harness::cluster
