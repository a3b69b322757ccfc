// Processes on this machine, by Boost.Process. For everything on a node, see
// harness/cluster/node.h.
#pragma once

#include <chrono>
#include <cstddef>

#include "harness/exec/runner.h"

namespace harness::exec {

struct LocalRunnerOptions {
  std::size_t output_cap = 16u << 20;  // bytes kept of each of out and err
  // After SIGTERM the process group has this long before SIGKILL. The deadline itself is not
  // stretched for the command, only for its end.
  std::chrono::milliseconds grace{2000};
};

// Safe to use from several threads. Each command runs in a process group of its own; nothing of it
// outlives run(), except what leaves that group on purpose.
class LocalRunner final : public CommandRunner {
 public:
  explicit LocalRunner(LocalRunnerOptions options = {}) : options_(options) {}

  Result<CommandResult> run(const Command& command, Deadline deadline) override;

 private:
  LocalRunnerOptions options_;
};

}  // namespace harness::exec
