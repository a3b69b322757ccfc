#include "harness/lab/standin/child.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace harness::standin {

namespace {

std::string resolve(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    return program;
  }
  const char* path = std::getenv("PATH");
  std::stringstream directories(path == nullptr ? "/usr/sbin:/usr/bin:/sbin:/bin" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::string candidate = directory + "/" + program;
    if (::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return program;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& more) {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    all[std::string(text.substr(0, equals))] =
        equals == std::string_view::npos ? "" : text.substr(equals + 1);
  }
  for (const auto& [name, value] : more) {
    all[name] = value;
  }
  std::vector<std::string> out;
  for (const auto& [name, value] : all) {
    out.push_back(name + "=" + value);
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) {
    out.push_back(text.data());
  }
  out.push_back(nullptr);
  return out;
}

// Between fork and exec only calls that are safe in a process with threads.
pid_t start(const Command& command, int in, int out, int err) {
  std::vector<std::string> arguments = command.argv;
  std::vector<std::string> variables = environment_with(command.environment);
  const std::string program = resolve(arguments.front());
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(variables);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid != 0) {
    return pid;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(127);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(in >= 0 ? in : ::open("/dev/null", O_RDONLY), STDIN_FILENO);
  if (out >= 0) {
    ::dup2(out, STDOUT_FILENO);
  }
  if (err >= 0) {
    ::dup2(err, STDERR_FILENO);
  }
  ::close_range(3, ~0U, 0);
  ::execve(program.c_str(), argv.data(), envp.data());
  ::_exit(127);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

std::string describe_exit(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int number = WTERMSIG(wait_status);
    switch (number) {
      case SIGKILL:
        return "signal: killed";
      case SIGTERM:
        return "signal: terminated";
      case SIGSEGV:
        return "signal: segmentation fault";
      default:
        return fmt::format("signal: {}", number);
    }
  }
  return WEXITSTATUS(wait_status) == 0 ? ""
                                       : fmt::format("exit status {}", WEXITSTATUS(wait_status));
}

std::string run(const Command& command, const std::function<void(pid_t)>& started) {
  int log = -1;
  if (!command.log.empty()) {
    std::error_code ignored;
    std::filesystem::create_directories(command.log.parent_path(), ignored);
    log = ::open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  const pid_t pid = start(command, -1, log, log >= 0 ? log : STDOUT_FILENO);
  ::close(log);
  if (pid < 0) {
    return fmt::format("fork: {}", std::strerror(errno));
  }
  if (started) {
    started(pid);
  }
  return describe_exit(wait_for(pid));
}

namespace {

Result<std::string> capture_with_input(const Command& command, int in) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return fail(ErrorCode::internal, fmt::format("pipe: {}", std::strerror(errno)));
  }
  const pid_t pid = start(command, in, ends[1], ends[1]);
  ::close(ends[1]);
  std::string output;
  char buffer[65536];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    output.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  const std::string how = pid < 0 ? "cannot be started" : describe_exit(wait_for(pid));
  if (!how.empty()) {
    constexpr std::size_t last_words = 400;
    return fail(
        ErrorCode::internal,
        fmt::format("{}: {}: {}",
                    command.argv.front(),
                    how,
                    output.substr(output.size() > last_words ? output.size() - last_words : 0)));
  }
  return output;
}

}  // namespace

Result<std::string> capture(const Command& command) {
  return capture_with_input(command, -1);
}

Result<std::string> capture_from(const Command& producer, const Command& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return fail(ErrorCode::internal, fmt::format("pipe: {}", std::strerror(errno)));
  }
  const pid_t pid = start(producer, -1, ends[1], -1);
  ::close(ends[1]);
  auto result = capture_with_input(command, ends[0]);
  ::close(ends[0]);
  if (const std::string how = describe_exit(wait_for(pid)); result && !how.empty()) {
    return fail(ErrorCode::internal, fmt::format("{}: {}", producer.argv.front(), how));
  }
  return result;
}

}  // namespace harness::standin
