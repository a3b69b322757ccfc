// The certificates, kubeconfigs and tokens of a node, made at the first start and renewed at later
// ones.
#pragma once

#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "harness/lab/standin/config.h"
#include "harness/lab/standin/paths.h"
#include "harness/lab/standin/x509.h"

namespace harness::standin::pki {

// Where a node asks for what its kubelet and its readiness poll need: its own disk on a server, the
// supervisor of a server on an agent.
class Issuer {
 public:
  virtual ~Issuer() = default;
  // kind: client-kubelet, serving-kubelet, client-rke2-controller, client-kube-proxy. Certificate
  // for `request`.
  virtual Result<std::string> certificate(const std::string& kind, const std::string& request) = 0;
  // kind: client-ca, server-ca.
  virtual Result<std::string> authority(const std::string& kind) = 0;
};

// Everything below server/tls and server/cred. Renews what has less than the build's limit left, or
// lacks a name.
Status prepare_server(const Paths& paths, const Config& config, const Build& build);

// Signs on the server for a node; an unknown kind is an error.
Result<std::string> sign_for_node(const Paths& paths,
                                  const std::string& kind,
                                  const std::string& node_name,
                                  const std::string& node_ip,
                                  const std::string& request);

// agent/*.crt, *.key and *.kubeconfig; `apiserver` is the address that the node's own clients use.
Status prepare_agent(const Paths& paths,
                     const Config& config,
                     const Build& build,
                     const std::string& apiserver,
                     Issuer& issuer);

// The certificate of the supervisor's listener, kept in dynamic-cert.json.
Result<x509::Pair> supervisor_certificate(const Paths& paths,
                                          const Config& config,
                                          const Build& build);

Result<x509::Pair> load_pair(const std::filesystem::path& without_extension);

}  // namespace harness::standin::pki
