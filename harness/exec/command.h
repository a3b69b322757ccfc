// A command is an argv. It is never a shell string, anywhere.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace harness::exec {

struct Command {
  std::vector<std::string> argv;  // argv[0] is absolute, or looked up in PATH where it runs
  std::map<std::string, std::string> env{};  // added to the environment where it runs
  std::string input{};                       // standard input; empty means /dev/null
};

struct CommandResult {
  int exit_status = 0;  // meaningless when signal is not 0
  int signal = 0;       // the signal that ended it, or 0
  std::string out{};
  std::string err{};
  bool cut = false;  // more was printed than the runner keeps; the rest was read and dropped

  bool ok() const { return signal == 0 && exit_status == 0; }
};

// For messages only: words joined by blanks, quoted where that helps a reader. Not for running.
std::string describe(const Command& command);

}  // namespace harness::exec
