#include "harness/lab/standin/remote.h"

#include <fmt/format.h>

#include "harness/lab/standin/machine.h"

namespace harness::standin {

Status trust_server(const Node& node, const Token& token, const std::string& ca_file) {
  HttpClient client(node.config.server, {});
  const auto reply = client.send({"GET", "/cacerts", "", {}, std::chrono::seconds(10)});
  if (!reply) {
    return fail(reply.error());
  }
  if (reply->status != 200) {
    return fail(ErrorCode::remote_failed, fmt::format("{}", reply->status));
  }
  if (!token.ca_hash.empty() && ca_hash(reply->body) != token.ca_hash) {
    return fail(ErrorCode::refused,
                "failed to validate token: token CA hash does not match the Cluster CA "
                "certificate hash");
  }
  return machine::write_file(ca_file, reply->body, 0644);
}

Result<std::string> Remote::certificate(const std::string& kind, const std::string& request) {
  return ask("POST", "/v1-rke2/" + kind + ".crt", request);
}

Result<std::string> Remote::authority(const std::string& kind) {
  return ask("GET", "/v1-rke2/" + kind + ".crt", "");
}

Result<std::string> Remote::ask(const std::string& method,
                                const std::string& path,
                                const std::string& body,
                                std::chrono::milliseconds patience) {
  HttpClient client(node_.config.server, identity_);
  HttpRequest request{method, path, body, {}, patience};
  request.headers = {{"rke2-Node-Name", node_.config.node_name},
                     {"rke2-Node-IP", node_.config.node_ip}};
  const auto reply = client.send(request);
  if (!reply) {
    return fail(reply.error());
  }
  if (reply->status != 200) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{}{}: {}", node_.config.server, path, reply->status));
  }
  return reply->body;
}

}  // namespace harness::standin
