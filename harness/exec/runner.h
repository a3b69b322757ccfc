// Who runs a Command on this machine. Code that needs local programs (power commands, the lab)
// takes a CommandRunner, so that its tests need none.
#pragma once

#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/exec/command.h"

namespace harness::exec {

class CommandRunner {
 public:
  virtual ~CommandRunner() = default;

  // Runs the command to its end. A non-zero exit status or a signal is a result, not an error.
  // Errors: not_supported, the program is not there or may not be run; timed_out, the deadline
  // passed (the command's whole process group has been ended by then); invalid_input, an empty argv
  // or a zero byte in it.
  virtual Result<CommandResult> run(const Command& command, Deadline deadline) = 0;
};

}  // namespace harness::exec
