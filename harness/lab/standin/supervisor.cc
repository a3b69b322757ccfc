#include "harness/lab/standin/supervisor.h"

#include <cstdlib>

#include <fmt/format.h>

#include "harness/base/json.h"
#include "harness/lab/standin/bootstrap.h"
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

// An error in the form of the Kubernetes API, as the supervisor gives it.
ServerReply refusal(int status, const std::string& reason, const std::string& message) {
  return {status,
          Json{{"kind", "Status"},
               {"apiVersion", "v1"},
               {"metadata", Json::object()},
               {"status", "Failure"},
               {"message", message},
               {"reason", reason},
               {"code", status}}
                  .dump() +
              "\n",
          "application/json"};
}

ServerReply members(const Node& node) {
  if (!node.etcd_started.is_open()) {
    return refusal(500, "InternalError", "etcd not started");
  }
  HttpClient client("https://127.0.0.1:2382", node.etcd_identity());
  const auto reply =
      client.send({"POST", "/v3/cluster/member/list", "{}", {}, std::chrono::seconds(2)});
  const auto body = parse_json(reply ? reply->body : "");
  if (!reply || reply->status != 200 || !body) {
    return refusal(500,
                   "InternalError",
                   "failed to get etcd MemberList: " +
                       (reply ? "etcd answered " + reply->body : reply.error().message()));
  }
  Json list = Json::array();
  for (Json one : body->value("members", Json::array())) {
    one["ID"] = std::strtoull(json_string(one, "ID").c_str(), nullptr, 10);
    list.push_back(std::move(one));
  }
  return {200, Json{{"members", list}}.dump() + "\n", "application/json"};
}

bool is_for_servers(std::string_view what) {
  return what.starts_with("encrypt/") || what == "cert/cacerts" || what == "server-bootstrap" ||
         what == "token";
}

// What another server or a command of the product asks. Only what can be answered truthfully is.
ServerReply for_servers(const Node& node, const std::string& what) {
  if (what == "server-bootstrap") {
    return {200, bootstrap_data(node.paths), "application/json"};
  }
  if (what == "encrypt/status") {
    return {200, Json{{"enable", false}}.dump() + "\n", "application/json"};
  }
  return refusal(501, "NotImplemented", "the stand-in does not do " + what);
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

bool is_loopback(const std::string& peer) {
  return peer == "127.0.0.1" || peer == "::1";
}

}  // namespace

ServerReply route(const Node& node, const ServerRequest& request, const std::string& password) {
  constexpr std::string_view prefix = "/v1-rke2/";
  if (request.path == "/ping") {
    return {200, "pong", "text/plain"};
  }
  if (request.path == "/cacerts") {
    return text_of(machine::read_file(node.paths.tls() / "server-ca.crt"));
  }
  const bool of_etcd = request.path == "/db/info";
  if (!of_etcd && !request.path.starts_with(prefix)) {
    return {404, "404 page not found\n", "text/plain"};
  }
  const std::string what = of_etcd ? "" : request.path.substr(prefix.size());
  const bool of_servers = of_etcd || is_for_servers(what);
  if (!of_etcd || !is_loopback(request.peer)) {
    const Role role = role_of(request, password);
    if (role == Role::unknown) {
      logrus::error("Failed to authenticate request from {}: invalid username/password combination",
                    request.peer);
      return refusal(401, "Unauthorized", "not authorized");
    }
    if (role != (of_servers ? Role::server : Role::agent)) {
      return refusal(403, "Forbidden", "forbidden");
    }
  }
  return of_etcd      ? members(node)
         : of_servers ? for_servers(node, what)
                      : for_agents(node, request, what);
}

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
