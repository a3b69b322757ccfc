// Children of this process. They die with it: their parent-death signal is SIGKILL, so the thread
// that starts one stays until it has ended.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

#include "harness/base/result.h"

namespace harness::standin {

struct Command {
  std::vector<std::string> argv;                   // argv[0] is looked up in PATH
  std::map<std::string, std::string> environment;  // on top of our own
  std::filesystem::path log;  // both outputs, appended; empty: our own standard output
};

// Runs to its end. The result is "" for status 0, otherwise "exit status 3" or "signal: killed".
// `started` is told the pid.
std::string run(const Command& command, const std::function<void(pid_t)>& started = {});

// Runs to its end and gives what it wrote to standard output; a status other than 0 is an error
// with its last words.
Result<std::string> capture(const Command& command);
// The same with the output of `producer` as its input.
Result<std::string> capture_from(const Command& producer, const Command& command);

std::string describe_exit(int wait_status);

}  // namespace harness::standin
