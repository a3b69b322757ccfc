#include "harness/lab/standin/join.h"

#include "harness/lab/standin/bootstrap.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/remote.h"
#include "harness/lab/standin/token.h"

namespace harness::standin {

namespace {

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
  const auto token = parse_token(node.config.token, "server");
  if (!token) {
    return fail(token.error());
  }
  if (auto trusted = trust_server(node, *token, bundle(node)); !trusted) {
    return trusted;
  }
  logrus::info("Managed etcd cluster not yet initialized");
  const auto kept = ask(node, "/v1-rke2/server-bootstrap");
  if (!kept) {
    return fail(kept.error());
  }
  logrus::info("Reconciling bootstrap data between datastore and disk");
  return write_bootstrap_files(node.paths, *kept);
}

Status reconcile_with_server(const Node& node) {
  const auto kept = ask(node, "/v1-rke2/server-bootstrap");
  if (!kept) {
    return fail(kept.error());
  }
  logrus::info("Reconciling bootstrap data between datastore and disk");
  return reconcile_files(node.paths, *kept);
}

Result<std::vector<Member>> members_of_server(const Node& node) {
  const auto answer = ask(node, "/db/info");
  if (!answer) {
    return fail(answer.error());
  }
  TRY_ASSIGN(const Json list, parse_json(*answer), "/db/info");
  return members_in(list);
}

}  // namespace harness::standin
