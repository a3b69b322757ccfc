#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/time.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

constexpr std::int64_t kLongestExecMs = 3'600'000;

struct ExecRecord {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  std::string input;
  std::chrono::milliseconds timeout{0};
};

Result<ExecRecord> exec_record(const Json& json) {
  ExecRecord record;
  const Json argv = json.value("argv", Json::array());
  if (!argv.is_array() || argv.empty() ||
      !std::ranges::all_of(argv, [](const Json& word) { return word.is_string(); })) {
    return fail(ErrorCode::invalid_input, "exec: argv needs a list of words");
  }
  for (const Json& word : argv) {
    record.argv.push_back(word.get<std::string>());
    if (record.argv.back().find('\0') != std::string::npos) {
      return fail(ErrorCode::invalid_input, "exec: argv has a zero byte");
    }
  }
  const Json env = json.value("env", Json::object());
  if (!env.is_object()) {
    return fail(ErrorCode::invalid_input, "exec: env needs an object");
  }
  for (const auto& [key, value] : env.items()) {
    const bool plain = !key.empty() && std::ranges::all_of(key, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_';
    });
    if (!plain || !value.is_string()) {
      return fail(ErrorCode::invalid_input, "exec: env needs plain names and texts");
    }
    record.env[key] = value.get<std::string>();
  }
  TRY_ASSIGN(record.input, from_base64(json_string(json, "input_b64")), "exec");
  const std::int64_t timeout = json_int(json, "timeout_ms", 60'000);
  if (timeout < 1 || timeout > kLongestExecMs) {
    return fail(ErrorCode::invalid_input, "exec: timeout_ms must be between 1 and 3600000");
  }
  record.timeout = std::chrono::milliseconds(timeout);
  return record;
}

// Passes on what the child writes, until both ends are closed; false when nobody reads any more.
bool pass_on(int fd, const char* stream, bool& open) {
  char buffer[32768];
  const ssize_t got = read(fd, buffer, sizeof buffer);
  open = got > 0 || (got < 0 && errno == EINTR);
  return got <= 0 || emit({{"type", "output"},
                           {"stream", stream},
                           {"b64", base64({buffer, static_cast<std::size_t>(got)})}});
}

void end_group(int pid) {
  kill(-pid, SIGTERM);
  const int pidfd = pidfd_open(pid);
  if (!pidfd_wait(pidfd, std::chrono::seconds(3))) {
    kill(-pid, SIGKILL);
  }
  close(pidfd);
}

// The child's standard input: what was given, as a file that can be read to its end.
int input_file(const std::string& input) {
  const int fd = memfd_create("input", MFD_CLOEXEC);
  for (std::string_view rest = input; !rest.empty();) {
    const ssize_t put = write(fd, rest.data(), rest.size());
    rest.remove_prefix(put > 0 ? static_cast<std::size_t>(put) : rest.size());
  }
  lseek(fd, 0, SEEK_SET);
  return fd;
}

}  // namespace

Status verb_exec(const Json& json) {
  TRY_ASSIGN(const ExecRecord record, exec_record(json), "record");
  std::vector<std::string> argv = record.argv;
  argv[0] = find_program(argv[0]);
  if (argv[0].empty()) {
    return fail(ErrorCode::not_supported,
                fmt::format("exec: {} is not on this node", record.argv[0]));
  }
  int out[2] = {-1, -1};
  int err[2] = {-1, -1};
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
    return fail(ErrorCode::remote_failed, fmt::format("exec: pipe: {}", std::strerror(errno)));
  }
  const int input = input_file(record.input);
  const int pid = start(argv, input, out[1], err[1], record.env);
  close(input);
  close(out[1]);
  close(err[1]);
  if (pid < 0) {
    return fail(ErrorCode::remote_failed,
                fmt::format("exec: start {}: {}", argv[0], std::strerror(errno)));
  }
  const Deadline deadline = Deadline::after(record.timeout);
  bool out_open = true;
  bool err_open = true;
  bool reader = true;
  while ((out_open || err_open) && reader && !deadline.passed()) {
    // Standard output without a reader tells that the connection is gone.
    pollfd watched[3] = {{out_open ? out[0] : -1, POLLIN, 0},
                         {err_open ? err[0] : -1, POLLIN, 0},
                         {STDOUT_FILENO, 0, 0}};
    if (poll(watched,
             3,
             static_cast<int>(std::min<std::int64_t>(deadline.left().count() + 1, 1000))) < 0) {
      continue;
    }
    reader = (watched[2].revents & (POLLERR | POLLHUP)) == 0;
    reader = reader && (watched[0].revents == 0 || pass_on(out[0], "out", out_open));
    reader = reader && (watched[1].revents == 0 || pass_on(err[0], "err", err_open));
  }
  const bool late = reader && (out_open || err_open);
  if (late || !reader) {
    end_group(pid);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  close(out[0]);
  close(err[0]);
  if (late) {
    return fail(
        ErrorCode::timed_out,
        fmt::format(
            "exec: {} did not end in {} ms and was ended", record.argv[0], record.timeout.count()));
  }
  emit({{"type", "exit"},
        {"status", WIFEXITED(status) ? WEXITSTATUS(status) : 0},
        {"signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0}});
  return {};
}

}  // namespace harness::guard
