// A node reached by SSH, with the guard as its hands.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "harness/cluster/guard_install.h"
#include "harness/cluster/http_pool.h"
#include "harness/cluster/node.h"
#include "harness/ssh/session.h"

namespace harness::cluster {

struct SshNodeConfig {
  std::string cluster;
  bool server = false;
  std::string data_dir = "/var/lib/rancher/rke2";
  bool become_sudo = false;
  ssh::Target target;
  ssh::Options options{};
  GuardBinary guard;
  // Asked before the guard of another build is replaced, when nothing on the node itself speaks
  // against it: whether a run elsewhere in the cluster has it in use. None: it is not asked.
  std::function<Status(Deadline)> before_replacing = {};
};

class SshNode final : public Node {
 public:
  // Connects and sees to it that the guard is there: installed when it is missing or of another
  // build. One of another build stays where a lease is live, anything is armed, or before_replacing
  // says no: refused. On a node of another machine, not_supported. An error begins with the node's
  // name.
  static Result<std::unique_ptr<SshNode>> connect(SshNodeConfig config, Deadline deadline);

  const std::string& name() const override { return config_.target.name; }

  const std::string& address() const override { return config_.target.host; }

  bool is_server() const override { return config_.server; }

  const std::string& data_dir() const override { return config_.data_dir; }

  std::string unit() const override {
    return config_.server ? "rke2-server.service" : "rke2-agent.service";
  }

  using Node::run;
  Result<exec::CommandResult> run(const exec::Command& command,
                                  Deadline deadline,
                                  std::stop_token stop) override;
  // The guard's SHA-256 is checked before the first verb on each connection and before each verb
  // that hurts or undoes; for `exec` the check is at most a second old (oldest_look). refused when
  // the binary is not the one that was installed.
  Result<std::vector<Json>> guard(std::string_view verb,
                                  const Json& record,
                                  Deadline deadline) override;
  Result<std::unique_ptr<LineStream>> guard_stream(std::string_view verb,
                                                   const Json& record,
                                                   Deadline deadline) override;
  Result<std::string> read_file(const std::string& path, Deadline deadline) override;
  using Node::upload;
  Status upload(const std::filesystem::path& local,
                const std::string& remote,
                int mode,
                Deadline deadline,
                std::stop_token stop) override;
  Result<std::string> landing(Deadline deadline) override;
  Result<HttpResponse> http(const HttpRequest& request, Deadline deadline) override;
  bool connected() const override;
  // refused, with the holder, while the lease that this node carries is live.
  Status check_lease(Deadline deadline) const;
  Result<Reconnected> reconnect(Deadline deadline) override;

 private:
  struct Connection;

  explicit SshNode(SshNodeConfig config);

  std::shared_ptr<Connection> current() const;
  Result<std::shared_ptr<Connection>> open(Deadline deadline) const;
  GuardInstall guard_file(ssh::Session& session, Deadline deadline) const;
  Status check_guard(Connection& connection, std::string_view verb, Deadline deadline) const;
  Result<std::vector<Json>> ask(Connection& connection,
                                std::string_view verb,
                                const Json& record,
                                Deadline deadline,
                                const std::stop_token& stop = {}) const;
  Result<std::string> boot_id(Connection& connection, Deadline deadline) const;
  Status put_in_place(const std::string& staged,
                      const std::string& remote,
                      int mode,
                      const std::string& sha256,
                      Deadline deadline);

  const SshNodeConfig config_;
  const Login login_;
  mutable std::mutex mutex_;
  std::shared_ptr<Connection> connection_;
  std::string boot_id_;
  std::mutex reconnecting_;
  HttpPool http_;
};

}  // namespace harness::cluster
