#include "harness/soak/run_and_kill.h"

#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/exec/unique_fd.h"

extern char** environ;

namespace harness::soak {

Result<std::string> run_and_kill(const std::vector<std::string>& words,
                                 std::chrono::milliseconds limit) {
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int fd : {1, 2}) {
    posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
  }
  pid_t pid = 0;
  const int problem = posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) {
    return fail(ErrorCode::internal, fmt::format("start {}: {}", words[0], std::strerror(problem)));
  }
  const exec::UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  pollfd ended{pidfd.get(), POLLIN, 0};
  const bool over = poll(&ended, 1, static_cast<int>(limit.count())) > 0;
  if (!over) {
    kill(pid, SIGKILL);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return over ? fmt::format("exit status {}", WEXITSTATUS(status)) : std::string("killed");
}

}  // namespace harness::soak
