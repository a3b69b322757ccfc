#include "harness/lab/standin/supervisor.h"

#include <fmt/format.h>

#include "harness/base/json.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/pki.h"
#include "harness/lab/standin/token.h"

namespace harness::standin {

namespace {

std::string header(const ServerRequest& request, const char* name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? "" : found->second;
}

ServerReply text_of(const Result<std::string>& value) {
  return value ? ServerReply{200, *value, "text/plain"}
               : ServerReply{500, value.error().message() + "\n", "text/plain"};
}

ServerReply sign(const Node& node, const ServerRequest& request, const std::string& kind) {
  const std::string name = header(request, "rke2-node-name");
  if (name.empty()) {
    return {400, "node name not set\n", "text/plain"};
  }
  return text_of(
      pki::sign_for_node(node.paths, kind, name, header(request, "rke2-node-ip"), request.body));
}

ServerReply members(const Node& node) {
  HttpClient client("https://127.0.0.1:2382", node.etcd_identity());
  const auto reply =
      client.send({"POST", "/v3/cluster/member/list", "{}", {}, std::chrono::seconds(5)});
  if (!reply) {
    return {500, "failed to get etcd MemberList\n", "text/plain"};
  }
  return {reply->status == 200 ? 200 : 500, reply->body, "application/json"};
}

// Paths below /v1-rke2/ that an agent may ask.
ServerReply for_agents(const Node& node, const ServerRequest& request, const std::string& what) {
  if (what == "readyz") {
    return node.runtime_core.is_open() ? ServerReply{200, "ok", "text/plain"}
                                       : ServerReply{503, "runtime core not ready\n", "text/plain"};
  }
  if (what == "config") {
    return {200,
            Json{{"ClusterDomain", "cluster.local"},
                 {"ClusterDNS", kClusterDns},
                 {"ClusterIPRange", kClusterCidr},
                 {"ServiceIPRange", kServiceCidr}}
                .dump(),
            "application/json"};
  }
  if (what == "apiservers") {
    return {200, Json::array({node.config.node_ip + ":6443"}).dump(), "application/json"};
  }
  constexpr std::string_view extension = ".crt";
  if (what.ends_with(extension)) {
    const std::string kind = what.substr(0, what.size() - extension.size());
    if (kind == "client-ca" || kind == "server-ca") {
      return text_of(machine::read_file(node.paths.tls() / what));
    }
    return sign(node, request, kind);
  }
  return {404, "404 page not found\n", "text/plain"};
}

ServerReply route(const Node& node, const ServerRequest& request, const std::string& password) {
  constexpr std::string_view prefix = "/v1-rke2/";
  if (request.path == "/ping") {
    return {200, "pong", "text/plain"};
  }
  if (request.path == "/cacerts") {
    return text_of(machine::read_file(node.paths.tls() / "server-ca.crt"));
  }
  const Role role = role_of(request, password);
  const bool of_agents = request.path.starts_with(prefix);
  if (!of_agents && request.path != "/db/info") {
    return {404, "404 page not found\n", "text/plain"};
  }
  if (role == Role::none || role == Role::unknown) {
    return {401, "Unauthorized\n", "text/plain"};
  }
  if (role != (of_agents ? Role::agent : Role::server)) {
    return {403, "Forbidden\n", "text/plain"};
  }
  return of_agents ? for_agents(node, request, request.path.substr(prefix.size())) : members(node);
}

}  // namespace

Role role_of(const ServerRequest& request, const std::string& password) {
  constexpr std::string_view scheme = "Basic ";
  const std::string given = header(request, "authorization");
  if (!given.starts_with(scheme)) {
    return Role::none;
  }
  const auto plain = machine::unbase64(std::string_view(given).substr(scheme.size()));
  if (!plain || plain->find(':') == std::string::npos) {
    return Role::unknown;
  }
  const std::string user = plain->substr(0, plain->find(':'));
  if (plain->substr(user.size() + 1) != password) {
    return Role::unknown;
  }
  return user == "node" ? Role::agent : user == "server" ? Role::server : Role::unknown;
}

Status open_supervisor(const Node& node, HttpsServer& server) {
  TRY_ASSIGN(const auto pair,
             pki::supervisor_certificate(node.paths, node.config, node.build),
             "supervisor");
  return server.listen(kSupervisorPort, pair);
}

void serve_requests(const Node& node, HttpsServer& server) {
  const auto text = machine::read_file(node.paths.server() / "token");
  const auto token = parse_token(text ? *text : "", "server");
  const std::string password = token ? token->password : machine::random_hex(16);
  server.set_handler(
      [&node, password](const ServerRequest& request) { return route(node, request, password); });
}

}  // namespace harness::standin
