// One node of the cluster under test, in the words that the layers above need: run a command, ask
// the guard, read its stream, talk HTTP to a port of the node. Everything goes through the node's
// one SSH connection. The layers above never see SSH.
//
// A Node is used from several threads at once. It does not retry commands: what was cut off in the
// middle comes back as `unreachable`, and the caller, who knows whether it is safe, decides.
// `reconnect` is explicit and reports whether the node has booted since.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/exec/command.h"

namespace harness::cluster {

// Lines from a guard verb that streams. Destroying it ends the verb on the node.
class LineStream {
 public:
  virtual ~LineStream() = default;
  // The next line as JSON; no value when the deadline passed first (the stream goes on);
  // an error when the stream ended or the connection is gone (unreachable).
  virtual Result<std::optional<Json>> next(Deadline deadline) = 0;
};

struct HttpRequest {
  std::string method = "GET";
  std::string host = "127.0.0.1";  // as seen from the node
  int port = 0;
  std::string path = "/";
  bool tls = true;
  std::string client_cert_pem{};  // in memory only
  std::string client_key_pem{};
  std::string ca_pem{};  // the server is verified against this when it is not empty
  std::string body{};
  std::string content_type = "application/json";
  std::string basic_user{};  // user:password, redacted in every message
};

struct HttpResponse {
  int status = 0;
  std::string body{};
  Microseconds latency{0};
};

struct Reconnected {
  std::string boot_id{};
  bool rebooted = false;  // the boot id differs from the last one seen
};

// How long one attempt to connect again may take where many are made: a busy or emulated node needs
// seconds for the login, and for each command of the look that follows.
inline constexpr std::chrono::seconds kReconnectAttempt{30};

class Node {
 public:
  virtual ~Node() = default;

  virtual const std::string& name() const = 0;
  virtual const std::string& address() const = 0;
  virtual bool is_server() const = 0;
  virtual const std::string& data_dir() const = 0;
  // "rke2-server.service" or "rke2-agent.service".
  virtual std::string unit() const = 0;

  // Runs an argv on the node as root, through the guard. A non-zero exit is a result, not an error.
  // A stop ends the wait at once (refused, "interrupted") and the command on the node soon after.
  virtual Result<exec::CommandResult> run(const exec::Command& command,
                                          Deadline deadline,
                                          std::stop_token stop) = 0;

  Result<exec::CommandResult> run(const exec::Command& command, Deadline deadline) {
    return run(command, deadline, {});
  }

  // Asks one guard verb; all its lines but the last (done). An error line comes back as an Error
  // whose code is invalid_input, refused, remote_failed, not_supported (of `arm`) or internal as
  // the guard said.
  virtual Result<std::vector<Json>> guard(std::string_view verb,
                                          const Json& record,
                                          Deadline deadline) = 0;
  virtual Result<std::unique_ptr<LineStream>> guard_stream(std::string_view verb,
                                                           const Json& record,
                                                           Deadline deadline) = 0;
  // Content of a file, read as root. Never logged.
  virtual Result<std::string> read_file(const std::string& path, Deadline deadline) = 0;
  // Copies a local file to the node (root-owned, the mode given), checked by SHA-256 after the
  // copy. A stop ends it within a block (refused, "interrupted"); nothing of it stays there.
  virtual Status upload(const std::filesystem::path& local,
                        const std::string& remote,
                        int mode,
                        Deadline deadline,
                        std::stop_token stop) = 0;

  Status upload(const std::filesystem::path& local,
                const std::string& remote,
                int mode,
                Deadline deadline) {
    return upload(local, remote, mode, deadline, {});
  }

  // The folder on the node in which an uploaded file lies as a whole before it is put in its place.
  virtual Result<std::string> landing(Deadline deadline) = 0;
  // Every HTTP status is a result. remote_failed: the node answered for the port and there is no
  // HTTP behind it (connection refused, reset, TLS refused), which is a fact about the service.
  // unreachable: the connection to the node itself is gone, which says nothing about the service.
  // timed_out: no answer in time.
  virtual Result<HttpResponse> http(const HttpRequest& request, Deadline deadline) = 0;

  // True while the connection is believed to be up.
  virtual bool connected() const = 0;
  // Connects again, until the deadline; the error says what was last seen (refused, no route, host
  // key).
  virtual Result<Reconnected> reconnect(Deadline deadline) = 0;
};

// One attempt, where the connection is gone.
inline Status connect_again(Node& node, Deadline deadline) {
  if (node.connected()) {
    return {};
  }
  TRY(node.reconnect(deadline.at_most(kReconnectAttempt)), "");
  return {};
}

}  // namespace harness::cluster
