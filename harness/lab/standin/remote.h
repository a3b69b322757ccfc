// The supervisor of another server, on its port 9345, as an agent and a joining server ask it.
#pragma once

#include <chrono>
#include <string>

#include "harness/base/result.h"
#include "harness/lab/standin/node.h"
#include "harness/lab/standin/pki.h"
#include "harness/lab/standin/token.h"

namespace harness::standin {

// The bundle of authorities of the server in the configuration, held against the token's hash and
// written to `ca_file`. Asked once. Errors: unreachable; remote_failed, an answer other than 200;
// refused, another cluster's.
Status trust_server(const Node& node, const Token& token, const std::string& ca_file);

class Remote final : public pki::Issuer {
 public:
  // `identity` is the bundle and the user that the other one shall know us by.
  Remote(const Node& node, Identity identity) : node_(node), identity_(std::move(identity)) {}

  Result<std::string> certificate(const std::string& kind, const std::string& request) override;
  Result<std::string> authority(const std::string& kind) override;
  // The body of a 200; remote_failed with address, path and status for any other.
  Result<std::string> ask(const std::string& method,
                          const std::string& path,
                          const std::string& body,
                          std::chrono::milliseconds patience = std::chrono::seconds(10));

 private:
  const Node& node_;
  Identity identity_;
};

}  // namespace harness::standin
