#include "harness/observe/control_plane.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/observe/ask.h"

namespace harness::observe {
namespace {

constexpr int kApiserverPort = 6443;
constexpr int kSupervisorPort = 9345;
constexpr int kEtcdHealthPort = 2381;
constexpr int kEtcdGatewayPort = 2382;

Outcome outcome_of(const Error& error, bool connected) {
  switch (error.code()) {
    case ErrorCode::timed_out:
      return connected ? Outcome::timeout : Outcome::unreachable;
    case ErrorCode::refused:
      return Outcome::wrong_process;
    case ErrorCode::invalid_input:  // a certificate and a key that do not belong together
      return Outcome::refused;
    case ErrorCode::remote_failed:
      return connected ? Outcome::not_ok : Outcome::unreachable;
    default:
      return Outcome::unreachable;
  }
}

Outcome outcome_of(int status) {
  if (status == 200) {
    return Outcome::ok;
  }
  return status == 401 || status == 403 ? Outcome::refused : Outcome::not_ok;
}

ErrorCode code_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::refused:
      return ErrorCode::refused;
    case Outcome::unreachable:
      return ErrorCode::unreachable;
    case Outcome::timeout:
      return ErrorCode::timed_out;
    default:
      return ErrorCode::remote_failed;
  }
}

Answer unanswered(const Error& error, bool connected) {
  Answer answer;
  answer.outcome = outcome_of(error, connected);
  answer.error = error.message();
  return answer;
}

Result<Json> json_of(const Answer& answer, const std::string& what) {
  if (answer.outcome != Outcome::ok) {
    const std::string why =
        answer.error.empty() ? fmt::format("HTTP {}: {}", answer.status, answer.body.substr(0, 200))
                             : answer.error;
    return fail(code_of(answer.outcome), what + ": " + why);
  }
  return parse_json(answer.body);
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return "ok";
    case Outcome::not_ok:
      return "not-ok";
    case Outcome::refused:
      return "refused";
    case Outcome::unreachable:
      return "unreachable";
    case Outcome::timeout:
      return "timeout";
    case Outcome::wrong_process:
      return "wrong-process";
  }
  return "unreachable";
}

Result<ControlPlane::Identity> ControlPlane::identity(std::optional<Identity>& slot,
                                                      const std::string& ca,
                                                      const std::string& pair,
                                                      Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (slot) {
      return *slot;
    }
  }
  const std::string tls = node_.data_dir() + "/server/tls/";
  Identity read;
  TRY_ASSIGN(read.ca, node_.read_file(tls + ca, deadline), "read " + ca);
  TRY_ASSIGN(read.cert, node_.read_file(tls + pair + ".crt", deadline), "read " + pair + ".crt");
  TRY_ASSIGN(read.key, node_.read_file(tls + pair + ".key", deadline), "read " + pair + ".key");
  const std::lock_guard lock(mutex_);
  slot = read;
  read.just_read = true;
  return read;
}

Answer ControlPlane::ask(const cluster::HttpRequest& request,
                         Deadline deadline,
                         const Identity& identity) {
  auto response = node_.http(request, deadline);
  if (!response) {
    Answer answer = unanswered(response.error(), node_.connected());
    if (answer.outcome == Outcome::wrong_process || answer.outcome == Outcome::refused) {
      forget_credentials();
    }
    if (answer.outcome == Outcome::timeout && identity.just_read) {
      answer.outcome = Outcome::unreachable;
      answer.error += " (reading the credentials took a part of it)";
    }
    return answer;
  }
  Answer answer;
  answer.status = response->status;
  answer.outcome = outcome_of(response->status);
  answer.latency = response->latency;
  answer.body = std::move(response->body);
  if (answer.outcome == Outcome::refused) {
    forget_credentials();
  }
  return answer;
}

Answer ControlPlane::apiserver(const std::string& path, Deadline deadline) {
  auto admin = identity(admin_, "server-ca.crt", "client-admin", deadline);
  if (!admin) {
    return unread(admin.error());
  }
  cluster::HttpRequest request;
  request.port = kApiserverPort;
  request.path = path;
  request.client_cert_pem = admin->cert;
  request.client_key_pem = admin->key;
  request.ca_pem = admin->ca;
  return ask(request, deadline, *admin);
}

Answer ControlPlane::etcd_health(Deadline deadline) {
  cluster::HttpRequest request;
  request.port = kEtcdHealthPort;
  request.path = "/health";
  request.tls = false;
  Answer answer = ask(request, deadline, {});
  if (answer.outcome == Outcome::ok) {
    const auto body = parse_json(answer.body);
    if (!body || json_string(*body, "health") != "true") {
      answer.outcome = Outcome::not_ok;
    }
  }
  return answer;
}

Answer ControlPlane::etcd(const std::string& path, const Json& body, Deadline deadline) {
  auto client = identity(etcd_, "etcd/server-ca.crt", "etcd/client", deadline);
  if (!client) {
    return unread(client.error());
  }
  cluster::HttpRequest request;
  request.method = "POST";
  request.port = kEtcdGatewayPort;
  request.path = path;
  request.client_cert_pem = client->cert;
  request.client_key_pem = client->key;
  request.ca_pem = client->ca;
  request.body = body.dump();
  return ask(request, deadline, *client);
}

Answer ControlPlane::supervisor(Deadline deadline) {
  auto user = supervisor_user(deadline);
  if (!user) {
    return unread(user.error());
  }
  cluster::HttpRequest request;
  request.port = kSupervisorPort;
  request.path = "/v1-rke2/readyz";
  request.basic_user = user->key;
  request.ca_pem = user->ca;
  return ask(request, deadline, *user);
}

Result<ControlPlane::Identity> ControlPlane::supervisor_user(Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (supervisor_) {
      return *supervisor_;
    }
  }
  Identity read;
  TRY_ASSIGN(read.ca,
             node_.read_file(node_.data_dir() + "/server/tls/server-ca.crt", deadline),
             "read server-ca.crt");
  TRY_ASSIGN(const std::string token,
             node_.read_file(node_.data_dir() + "/server/agent-token", deadline),
             "read the agent token");
  const std::string text = trimmed(token);
  const std::size_t colon = text.rfind(':');
  read.key = "node:" + (colon == std::string::npos ? text : text.substr(colon + 1));
  const std::lock_guard lock(mutex_);
  supervisor_ = read;
  read.just_read = true;
  return read;
}

// Without credentials nothing was asked, so nothing is known about the product.
Answer ControlPlane::unread(const Error& error) const {
  const bool silent =
      error.code() == ErrorCode::unreachable || error.code() == ErrorCode::timed_out;
  Answer answer;
  answer.outcome = silent || !node_.connected() ? Outcome::unreachable : Outcome::refused;
  answer.error = error.message();
  return answer;
}

Result<Json> ControlPlane::apiserver_json(const std::string& path, Deadline deadline) {
  return json_of(apiserver(path, deadline), node_.name() + " apiserver " + path);
}

Result<Json> ControlPlane::etcd_json(const std::string& path, const Json& body, Deadline deadline) {
  return json_of(etcd(path, body, deadline), node_.name() + " etcd " + path);
}

void ControlPlane::forget_credentials() {
  const std::lock_guard lock(mutex_);
  admin_.reset();
  etcd_.reset();
  supervisor_.reset();
}

Access::Access(std::string cluster, std::vector<cluster::Node*> nodes)
    : cluster_(std::move(cluster)), nodes_(std::move(nodes)) {
  for (cluster::Node* node : nodes_) {
    static_pods_.emplace(node, std::make_unique<StaticPods>(*node));
    if (node->is_server()) {
      servers_.push_back(std::make_unique<ControlPlane>(*node));
    }
  }
}

ControlPlane* Access::of(const cluster::Node& node) const {
  const auto found = std::find_if(
      servers_.begin(), servers_.end(), [&](const auto& one) { return &one->node() == &node; });
  return found == servers_.end() ? nullptr : found->get();
}

StaticPods& Access::static_pods(const cluster::Node& node) const {
  return *static_pods_.at(&node);
}

Result<Json> Access::api(const std::string& path,
                         Deadline deadline,
                         const cluster::Node* preferred,
                         std::string* asked) const {
  std::vector<ControlPlane*> order;
  if (ControlPlane* first = preferred != nullptr ? of(*preferred) : nullptr) {
    order.push_back(first);
  }
  for (const auto& server : servers_) {
    if (order.empty() || server.get() != order.front()) {
      order.push_back(server.get());
    }
  }
  std::optional<Error> last;
  for (ControlPlane* server : order) {
    auto answer = server->apiserver_json(path, deadline);
    if (answer) {
      if (asked != nullptr) {
        *asked = server->node().name();
      }
      return answer;
    }
    last = answer.error();
  }
  return fail(last.value_or(Error(ErrorCode::invalid_input, "the cluster has no server node")));
}

}  // namespace harness::observe
