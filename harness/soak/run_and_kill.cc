#include "harness/soak/run_and_kill.h"

#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/exec/unique_fd.h"

extern char** environ;

namespace harness::soak {
namespace {

enum class Seen { words, end, nothing };

struct Watched {
  Seen seen = Seen::nothing;
  std::string last;  // line
};

Watched watch(int fd, std::string_view words, Deadline deadline) {
  Watched out;
  std::string text;
  pollfd readable{fd, POLLIN, 0};
  while (poll(&readable, 1, static_cast<int>(deadline.left().count())) > 0) {
    char part[4096];
    const ssize_t got = read(fd, part, sizeof part);
    if (got <= 0) {
      out.seen = Seen::end;
      return out;
    }
    text.append(part, static_cast<std::size_t>(got));
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      out.last = text.substr(0, end);
      text.erase(0, end + 1);
      if (out.last.ends_with(words)) {
        out.seen = Seen::words;
        return out;
      }
    }
  }
  return out;
}

}  // namespace

Result<std::string> run_and_kill(const std::vector<std::string>& argv,
                                 std::string_view words,
                                 Deadline deadline) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return fail(ErrorCode::internal, fmt::format("start {}: {}", argv[0], std::strerror(errno)));
  }
  const exec::UniqueFd out(ends[0]);
  exec::UniqueFd in(ends[1]);
  std::vector<char*> pointers;
  for (const std::string& word : argv) {
    pointers.push_back(const_cast<char*>(word.c_str()));
  }
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, in.get(), STDERR_FILENO);
  pid_t pid = 0;
  const int problem = posix_spawn(&pid, pointers[0], &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  in.reset();
  if (problem != 0) {
    return fail(ErrorCode::internal, fmt::format("start {}: {}", argv[0], std::strerror(problem)));
  }
  const Watched watched = watch(out.get(), words, deadline);
  if (watched.seen != Seen::end) {
    kill(pid, SIGKILL);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (watched.seen == Seen::nothing) {
    return fail(
        ErrorCode::timed_out,
        fmt::format("{} did not come to '{}'; last seen: {}", argv[0], words, watched.last));
  }
  return WIFSIGNALED(status) ? std::string("killed")
                             : fmt::format("exit status {}", WEXITSTATUS(status));
}

}  // namespace harness::soak
