// The etcd member of this node: its configuration and manifest, the connection test, and what is
// kept in it.
#pragma once

#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/lab/standin/manifest.h"
#include "harness/lab/standin/node.h"

namespace harness::standin {

// What etcd is told about its cluster when it starts without data; kept in the manifest's
// annotation.
struct EtcdInitial {
  std::string advertise_peer_url;
  std::string cluster;
  std::string state;
};

Json etcd_config(const Node& node, const std::string& name, const EtcdInitial& initial);
// Under the hardened profile it runs as the user etcd, who then owns its files; an error where
// there is none.
Result<PodArgs> etcd_pod(const Node& node,
                         const std::filesystem::path& config_file,
                         const EtcdInitial& initial);

// What a release says of the connection test.
struct EtcdWords {
  const char* ready;
  const char* failed;  // followed by the reason
};

EtcdWords etcd_words(Readiness readiness);

// Whether the client port is worth a try after the gateway's answer: nobody listens on the
// gateway's port, or what listens knows no such path.
bool try_client_port(const Result<HttpReply>& from_gateway);

class Etcd {
 public:
  explicit Etcd(Node& node) : node_(node) {}

  // There is a log of a member: this node has been one before.
  bool initialized() const;
  // Checks what the datastore holds against the disk. A server that joined another asks that one
  // first. The product starts a temporary etcd on a copy; the stand-in asks the member that still
  // runs, and starts a temporary one only where none does.
  Status reconcile();
  // Starts the test loop, writes the configuration and etcd.yaml. A server that is to join does so
  // in the background.
  Status start();

 private:
  Result<Json> ask(const std::string& path, const Json& body);
  Status test();
  void test_until_ready();
  void save_bootstrap();
  void join(const std::string& own);
  Status run(const std::string& own, const EtcdInitial& initial);
  Result<std::string> name() const;
  std::string peer_url() const;

  Node& node_;
};

}  // namespace harness::standin
