#include "harness/lab/standin/kube.h"

namespace harness::standin {

KubeReply Kube::send(const std::string& method,
                     const std::string& path,
                     const Json& body,
                     const std::string& type) {
  HttpRequest request;
  request.method = method;
  request.path = path;
  request.body = body.is_null() ? "" : body.dump();
  request.headers = {{"Content-Type", type}, {"Accept", "application/json"}};
  request.timeout = std::chrono::seconds(60);
  KubeReply out;
  const auto reply = client_.send(request);
  if (!reply) {
    out.error = reply.error().message();
    return out;
  }
  out.status = reply->status;
  if (auto parsed = parse_json(reply->body)) {
    out.body = std::move(*parsed);
  }
  if (reply->status >= 300) {
    out.error =
        json_string(out.body, "message", "the server answered " + std::to_string(reply->status));
  }
  return out;
}

}  // namespace harness::standin
