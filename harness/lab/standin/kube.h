// The Kubernetes API in as many words as the hooks need.
#pragma once

#include <string>

#include "harness/base/json.h"
#include "harness/lab/standin/http_client.h"

namespace harness::standin {

struct KubeReply {
  long status = 0;  // 0: no answer
  Json body;
  std::string error;  // empty for 2xx

  bool ok() const { return error.empty(); }

  bool not_found() const { return status == 404; }

  bool conflict() const { return status == 409; }
};

// One client with one connection, as each hook of the product makes its own.
class Kube {
 public:
  Kube(const std::string& server, Identity identity) : client_(server, std::move(identity)) {}

  KubeReply get(const std::string& path) { return send("GET", path, nullptr); }

  KubeReply create(const std::string& path, const Json& object) {
    return send("POST", path, object);
  }

  KubeReply update(const std::string& path, const Json& object) {
    return send("PUT", path, object);
  }

  KubeReply remove(const std::string& path) { return send("DELETE", path, nullptr); }

  KubeReply merge(const std::string& path, const Json& patch) {
    return send("PATCH", path, patch, "application/merge-patch+json");
  }

  HttpClient& http() { return client_; }

 private:
  KubeReply send(const std::string& method,
                 const std::string& path,
                 const Json& body,
                 const std::string& type = "application/json");
  HttpClient client_;
};

}  // namespace harness::standin
