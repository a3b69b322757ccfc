// The guard as a file on a node: looked at, and put there when it is missing or of another build.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "harness/cluster/guard_answer.h"
#include "harness/exec/command.h"

namespace harness::cluster {

// The guard that a node must have. Tests bring their own.
struct GuardBinary {
  std::span<const unsigned char> bytes;
  std::string_view sha256;
  // Where it lives; becomes part of a command line, so it is a constant of ours.
  std::string path = "/var/lib/hookshot/guard";
  std::string_view machine = "x86_64";  // as `uname -m` says it
};

// What it takes of the node's login.
struct NodeShell {
  std::function<Result<exec::CommandResult>(const std::string& command_line)> run;
  // To the login's home, for nobody else to read.
  std::function<Status(std::string_view bytes, const std::string& name)> put;
  std::function<void(const std::string& name)> remove;
};

// For a file on its way, below the login's home.
std::string staging_name();
std::string as_root(const Login& login, std::string_view command_line);

class GuardInstall {
 public:
  // `login`, `guard`: of the caller, for as long as this lives.
  GuardInstall(NodeShell shell, const Login& login, const GuardBinary& guard, std::string cluster);

  // The SHA-256 of what is there; empty when nothing is.
  Result<std::string> hash() const;
  // refused, with the holder, while the lease that this node carries is live.
  Status check_lease() const;
  // A guard of another build stays where a lease is live, anything is armed, or `before_replacing`
  // says no: refused. not_supported: the node is of another machine than the guard.
  Status install(const std::function<Status()>& before_replacing) const;

 private:
  Status check_machine(bool replaces) const;
  Status check_nothing_armed() const;
  Status put_there() const;
  Status label() const;
  std::string beside(std::string_view file) const;

  NodeShell shell_;
  const Login& login_;
  const GuardBinary& guard_;
  std::string cluster_;
};

}  // namespace harness::cluster
