// One server's apiserver, etcd and supervisor, asked on the node's own loopback through its
// connection, so an answer is that server's and no other's.
//
// Client certificates are read from the node when first needed, kept in memory, read again after an
// answer that smells of renewal (401, 403, a certificate that does not verify), and never written,
// logged or put in an event. All calls are safe from several threads.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/cluster/node.h"
#include "harness/observe/pods.h"

namespace harness::observe {

// What an answer, or the lack of one, says. The first two are facts about the product, the others
// are not: what we could not see is never held against it.
enum class Outcome {
  ok,             // HTTP 200 and, where there is a body to judge, a healthy one
  not_ok,         // any other status, or status 0: nothing listens on the port
  refused,        // 401, 403, or credentials that cannot be used: ours, not the product's health
  unreachable,    // no connection to the node, or no time to ask: its credentials came too late
  timeout,        // connected, no answer in time
  wrong_process,  // something answers that is not what was asked (certificate does not verify)
};
std::string_view to_string(Outcome outcome);

struct Answer {
  Outcome outcome = Outcome::unreachable;
  int status = 0;
  Microseconds latency{0};
  std::string body;
  std::string error;  // why there is no body
};

class ControlPlane {
 public:
  explicit ControlPlane(cluster::Node& node) : node_(node) {}

  cluster::Node& node() const { return node_; }

  // GET on 6443 as the cluster's admin. Every failure is an Answer.
  Answer apiserver(const std::string& path, Deadline deadline);
  // http://127.0.0.1:2381/health
  Answer etcd_health(Deadline deadline);
  // POST on the etcd JSON gateway (2382).
  Answer etcd(const std::string& path, const Json& body, Deadline deadline);
  // /v1-rke2/readyz on 9345 as the user `node`.
  Answer supervisor(Deadline deadline);

  // As above, but anything except 200 with JSON is an error: unreachable, timed_out, refused (401,
  // 403) or remote_failed.
  Result<Json> apiserver_json(const std::string& path, Deadline deadline);
  Result<Json> etcd_json(const std::string& path, const Json& body, Deadline deadline);

  void forget_credentials();

 private:
  struct Identity {
    std::string cert{};
    std::string key{};
    std::string ca{};
    bool just_read = false;  // by this call, which then had less time to ask in
  };

  Result<Identity> identity(std::optional<Identity>& slot,
                            const std::string& ca,
                            const std::string& pair,
                            Deadline deadline);
  Result<Identity> supervisor_user(Deadline deadline);
  Answer unread(const Error& error) const;
  Answer ask(const cluster::HttpRequest& request, Deadline deadline, const Identity& identity);

  cluster::Node& node_;
  std::mutex mutex_;
  std::optional<Identity> admin_;
  std::optional<Identity> etcd_;
  std::optional<Identity> supervisor_;  // key holds user:password, ca the CA
};

// The nodes of a cluster in inventory order, with a ControlPlane for each server and the static
// pods of each node. Owns neither the nodes nor their connections.
class Access {
 public:
  Access(std::string cluster, std::vector<cluster::Node*> nodes);

  // The cluster's name, which every record for a guard carries.
  const std::string& cluster() const { return cluster_; }

  const std::vector<cluster::Node*>& nodes() const { return nodes_; }

  const std::vector<std::unique_ptr<ControlPlane>>& servers() const { return servers_; }

  // The control plane of this node; null for an agent.
  ControlPlane* of(const cluster::Node& node) const;
  // Of a node of the cluster.
  StaticPods& static_pods(const cluster::Node& node) const;
  // GET of JSON from the first apiserver that answers: `preferred`'s, then the others in order.
  // `asked` gets the name of the server that answered.
  Result<Json> api(const std::string& path,
                   Deadline deadline,
                   const cluster::Node* preferred = nullptr,
                   std::string* asked = nullptr) const;

 private:
  std::string cluster_;
  std::vector<cluster::Node*> nodes_;
  std::vector<std::unique_ptr<ControlPlane>> servers_;
  std::map<const cluster::Node*, std::unique_ptr<StaticPods>> static_pods_;
};

}  // namespace harness::observe
