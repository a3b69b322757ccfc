// Reaches a lab node with the OpenSSH client, as root, by the lab's own key and pinned host keys.
// The lab needs this before there is an inventory; runs use harness/ssh.
#pragma once

#include <string>
#include <vector>

#include "harness/exec/runner.h"
#include "harness/lab/state.h"

namespace harness::lab {

// Words joined for the remote shell, each in single quotes where it needs them.
std::string quote_words(const std::vector<std::string>& words);

// The client's argv; no words means a login shell.
std::vector<std::string> ssh_argv(const std::string& lab,
                                  const PlannedNode& node,
                                  const std::vector<std::string>& words);

class Shell {
 public:
  Shell(exec::CommandRunner& runner, std::string lab, PlannedNode node)
      : runner_(runner), lab_(std::move(lab)), node_(std::move(node)) {}

  // Standard output. unreachable when ssh itself failed; remote_failed with what was printed when
  // the command did.
  Result<std::string> run(const std::vector<std::string>& words, Deadline deadline);

 private:
  exec::CommandRunner& runner_;
  std::string lab_;
  PlannedNode node_;
};

}  // namespace harness::lab
