// A real sshd of this machine's own, for tests: on 127.0.0.1, an ephemeral port, with its own host
// key, configuration and authorized keys in a temporary folder. It serves the user who runs the
// test.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/exec/test_process.h"
#include "harness/ssh/target.h"

namespace harness::ssh {

class LocalSshd {
 public:
  // not_supported, with the reason, where no sshd can run.
  static Result<std::unique_ptr<LocalSshd>> start(
      const std::vector<std::string>& extra_config = {});
  ~LocalSshd();
  LocalSshd(const LocalSshd&) = delete;
  LocalSshd& operator=(const LocalSshd&) = delete;

  // A target that logs in: right key, right known_hosts.
  Target target(std::string name = "cp-1") const;

  const std::filesystem::path& folder() const { return folder_; }

  int port() const { return port_; }

  // Makes a key pair in the folder; `passphrase` encrypts it.
  std::filesystem::path make_key(const std::string& name, const std::string& passphrase = "") const;
  // Allows a key made by make_key to log in.
  void allow(const std::filesystem::path& key) const;
  // The processes that serve connections now, and a signal to all of them.
  std::vector<int> connections() const;
  void signal_connections(int signal) const;
  std::string log() const;

 private:
  LocalSshd() = default;
  Status prepare(const std::vector<std::string>& extra_config);
  bool listen();

  std::filesystem::path folder_;
  std::filesystem::path sshd_;
  std::string user_;
  std::vector<std::string> extra_config_;
  int port_ = 0;
  exec::TestProcess daemon_;
};

// A free port of the loopback, by asking the kernel.
int free_port();

}  // namespace harness::ssh
