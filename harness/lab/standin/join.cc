#include "harness/lab/standin/join.h"

#include "harness/lab/standin/bootstrap.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/remote.h"
#include "harness/lab/standin/token.h"

namespace harness::standin {

namespace {

constexpr const char* kBootstrap = "/v1-rke2/server-bootstrap";
constexpr auto kBootstrapPatience = std::chrono::seconds(15);

std::string bundle(const Node& node) {
  return node.paths.agent() / "server-ca.crt";
}

Result<std::string> ask(const Node& node, const std::string& path) {
  TRY_ASSIGN(const Token token, parse_token(node.config.token, "server"), "token");
  Remote server(node, {bundle(node), "", "", "server:" + token.password});
  return server.ask("GET", path, "", kBootstrapPatience);
}

}  // namespace

Status join_server(const Node& node) {
  TRY_ASSIGN(const Token token, parse_token(node.config.token, "server"), "");
  TRY(trust_server(node, token, bundle(node)), "");
  logrus::info("Managed etcd cluster not yet initialized");
  TRY_ASSIGN(const std::string kept, ask(node, kBootstrap), "");
  logrus::info("Reconciling bootstrap data between datastore and disk");
  return write_bootstrap_files(node.paths, kept);
}

Status reconcile_with_server(const Node& node) {
  TRY_ASSIGN(const std::string kept, ask(node, kBootstrap), "");
  logrus::info("Reconciling bootstrap data between datastore and disk");
  return reconcile_files(node.paths, kept);
}

Result<std::vector<Member>> members_of_server(const Node& node) {
  TRY_ASSIGN(const std::string answer, ask(node, "/db/info"), "");
  TRY_ASSIGN(const Json list, parse_json(answer), "/db/info");
  return members_in(list);
}

}  // namespace harness::standin
