#include "harness/lab/process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/exec/unique_fd.h"

namespace harness::lab {

namespace {

using exec::UniqueFd;

constexpr std::size_t kLinesInError = 8;
constexpr int kLookEveryMs = 100;

class Actions {
 public:
  Actions() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawnattr_init(&attributes_);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
  }

  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  ~Actions() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  Result<pid_t> spawn(const std::vector<std::string>& argv, short flags) {
    posix_spawnattr_setflags(
        &attributes_, static_cast<short>(flags | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
    std::vector<char*> words;
    for (const std::string& word : argv) {
      words.push_back(const_cast<char*>(word.c_str()));  // NOLINT: execve's old signature
    }
    words.push_back(nullptr);
    pid_t pid = -1;
    const int problem =
        ::posix_spawnp(&pid, words[0], &actions_, &attributes_, words.data(), environ);
    if (problem != 0) {
      return fail(ErrorCode::not_supported,
                  fmt::format("{} cannot be started: {}", argv.front(), std::strerror(problem)));
    }
    return pid;
  }

  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

Result<std::array<UniqueFd, 2>> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(ErrorCode::internal, fmt::format("no pipe: {}", std::strerror(errno)));
  }
  return std::array<UniqueFd, 2>{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// False at the end of the stream.
bool read_some(const UniqueFd& from, std::string& into) {
  std::array<char, 4096> buffer{};
  const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
  if (got > 0) {
    into.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return got > 0 || (got < 0 && errno == EINTR);
}

class Lines {
 public:
  explicit Lines(const Progress& progress) : progress_(progress) {}

  void take(std::string& text) {
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      const std::string line = text.substr(0, end);
      text.erase(0, end + 1);
      if (progress_) {
        progress_(line);
      }
      last_.push_back(line);
      if (last_.size() > kLinesInError) {
        last_.pop_front();
      }
    }
  }

  std::string last() const { return fmt::format("{}", fmt::join(last_, "\n")); }

 private:
  const Progress& progress_;
  std::deque<std::string> last_;
};

}  // namespace

Result<std::string> run_recipe(const std::vector<std::string>& argv,
                               Deadline deadline,
                               const Progress& progress,
                               const std::stop_token& stop) {
  TRY_ASSIGN(auto out, make_pipe(), argv.front());
  TRY_ASSIGN(auto err, make_pipe(), argv.front());
  Actions actions;
  posix_spawn_file_actions_adddup2(actions.get(), out[1].get(), 1);
  posix_spawn_file_actions_adddup2(actions.get(), err[1].get(), 2);
  TRY_ASSIGN(const pid_t pid, actions.spawn(argv, POSIX_SPAWN_SETPGROUP), "");
  out[1].reset();
  err[1].reset();
  std::string printed;
  std::string partial;
  Lines lines(progress);
  bool ended = false;
  while (out[0] || err[0]) {
    if (!ended && (stop.stop_requested() || deadline.passed())) {
      ended = true;
      ::kill(-pid, SIGTERM);
    }
    std::array<pollfd, 2> waiting{pollfd{out[0].get(), POLLIN, 0}, pollfd{err[0].get(), POLLIN, 0}};
    ::poll(waiting.data(), waiting.size(), kLookEveryMs);
    if (waiting[0].revents != 0 && !read_some(out[0], printed)) {
      out[0].reset();
    }
    if (waiting[1].revents != 0 && !read_some(err[0], partial)) {
      err[0].reset();
    }
    lines.take(partial);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (ended) {
    return stop.stop_requested()
               ? fail(ErrorCode::refused, fmt::format("{}: interrupted", argv.front()))
               : fail(ErrorCode::timed_out,
                      fmt::format("{} took too long:\n{}", argv.front(), lines.last()));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(ErrorCode::not_supported,
                fmt::format("{} failed:\n{}", argv.front(), lines.last()));
  }
  while (printed.ends_with('\n')) {
    printed.pop_back();
  }
  return printed;
}

Status start_detached(const std::vector<std::string>& argv, const std::filesystem::path& log) {
  Actions actions;
  posix_spawn_file_actions_addopen(
      actions.get(), 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(actions.get(), 1, 2);
  TRY_ASSIGN(const pid_t pid, actions.spawn(argv, POSIX_SPAWN_SETSID), "");
  static_cast<void>(pid);
  return {};
}

}  // namespace harness::lab
