#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/time.h"
#include "harness/guard/system.h"

namespace harness::guard {
namespace {

constexpr std::size_t kOutputLimit = 4U << 20U;

struct Pipe {
  int read = -1;
  int write = -1;

  Pipe() {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) == 0) {
      read = ends[0];
      write = ends[1];
    }
  }

  ~Pipe() {
    close_read();
    close_write();
  }

  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void close_read() { close(std::exchange(read, -1)); }

  void close_write() { close(std::exchange(write, -1)); }
};

// False at the end of the stream.
bool drain(int fd, std::string& into) {
  char buffer[65536];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  if (got > 0 && into.size() < kOutputLimit) {
    into.append(buffer, static_cast<std::size_t>(got));
  }
  return got > 0 || (got < 0 && errno == EINTR);
}

void feed(int& fd, std::string_view& rest) {
  const ssize_t put = rest.empty() ? 0 : ::write(fd, rest.data(), rest.size());
  if (put > 0) {
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  if (rest.empty() || (put < 0 && errno != EINTR && errno != EAGAIN)) {
    close(std::exchange(fd, -1));
  }
}

}  // namespace

std::string find_program(const std::string& name, const std::string& data_dir) {
  if (name.starts_with('/')) {
    return access(name.c_str(), X_OK) == 0 ? name : "";
  }
  const char* path = std::getenv("PATH");
  std::string dirs = fmt::format(
      "{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/rke2/bin:{}/bin",
      path == nullptr ? "/usr/bin" : path,
      data_dir);
  for (std::size_t from = 0; from <= dirs.size();) {
    const std::size_t to = std::min(dirs.find(':', from), dirs.size());
    const std::string candidate = dirs.substr(from, to - from) + "/" + name;
    if (candidate.starts_with('/') && access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
    from = to + 1;
  }
  return "";
}

int start(const std::vector<std::string>& argv,
          int in,
          int out,
          int err,
          const std::map<std::string, std::string>& env) {
  std::vector<char*> words;
  for (const std::string& word : argv) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) {
    // By both, as either may be first; here it fails where the child runs its program already.
    static_cast<void>(setpgid(pid, pid));
    return pid;
  }
  setpgid(0, 0);
  dup2(in, 0);
  dup2(out, 1);
  dup2(err, 2);
  for (const auto& [key, value] : env) {
    setenv(key.c_str(), value.c_str(), 1);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  execv(words[0], words.data());
  _exit(127);
}

Result<Finished> spawn(const std::vector<std::string>& argv,
                       std::chrono::milliseconds timeout,
                       const std::string& input) {
  std::vector<std::string> resolved = argv;
  resolved[0] = find_program(argv[0]);
  if (resolved[0].empty()) {
    return fail(ErrorCode::not_supported, fmt::format("{} is not on this node", argv[0]));
  }
  Pipe in;
  Pipe out;
  Pipe err;
  const int pid = start(resolved, in.read, out.write, err.write);
  if (pid < 0) {
    return fail(ErrorCode::remote_failed,
                fmt::format("start {}: {}", argv[0], std::strerror(errno)));
  }
  in.close_read();
  out.close_write();
  err.close_write();
  fcntl(in.write, F_SETFL, O_NONBLOCK);
  Finished finished;
  std::string_view rest = input;
  feed(in.write, rest);
  const Deadline deadline = Deadline::after(timeout);
  bool out_open = true;
  bool err_open = true;
  while (out_open || err_open) {
    if (deadline.passed()) {
      finished.timed_out = true;
      kill(-pid, SIGTERM);
      const int pidfd = pidfd_open(pid);
      if (!pidfd_wait(pidfd, std::chrono::seconds(2))) {
        kill(-pid, SIGKILL);
      }
      close(pidfd);
      break;
    }
    pollfd watched[3] = {{out_open ? out.read : -1, POLLIN, 0},
                         {err_open ? err.read : -1, POLLIN, 0},
                         {in.write, POLLOUT, 0}};
    if (poll(watched,
             3,
             static_cast<int>(std::min<std::int64_t>(deadline.left().count() + 1, 1000))) < 0) {
      continue;
    }
    if (watched[0].revents != 0) {
      out_open = drain(out.read, finished.out);
    }
    if (watched[1].revents != 0) {
      err_open = drain(err.read, finished.err);
    }
    if (in.write >= 0 && watched[2].revents != 0) {
      feed(in.write, rest);
    }
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  finished.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return finished;
}

}  // namespace harness::guard
