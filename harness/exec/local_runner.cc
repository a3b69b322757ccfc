// Each io_context here stays in one thread, and the thread sanitizer does not understand fences.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK

#include "harness/exec/local_runner.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/stdio.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/exec/unique_fd.h"

namespace harness::exec {
namespace {

namespace asio = boost::asio;
namespace process = boost::process::v2;
using Clock = std::chrono::steady_clock;

// What still writes to the pipes after the command has ended belongs to what it left behind; this
// is how long its last words are waited for.
constexpr std::chrono::milliseconds kLastWords{500};

// A process group and an environment of its own, and no signal mask of ours.
struct OwnGroup {
  const std::vector<const char*>& environment;

  boost::system::error_code on_setup(process::posix::default_launcher& launcher,
                                     const process::filesystem::path&,
                                     const char* const*) const {
    launcher.env = environment.data();
    return {};
  }

  boost::system::error_code on_exec_setup(process::posix::default_launcher&,
                                          const process::filesystem::path&,
                                          const char* const*) const {
    ::setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    return {};
  }
};

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(ErrorCode::internal, fmt::format("pipe: {}", std::strerror(errno)));
  }
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<UniqueFd> input_file(const std::string& input) {
  if (input.empty()) {
    return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  UniqueFd file(::memfd_create("input", MFD_CLOEXEC));
  std::size_t written = 0;
  while (file && written < input.size()) {
    const ssize_t count = ::write(file.get(), input.data() + written, input.size() - written);
    if (count < 0 && errno != EINTR) {
      file.reset();
    } else if (count > 0) {
      written += static_cast<std::size_t>(count);
    }
  }
  if (!file || ::lseek(file.get(), 0, SEEK_SET) != 0) {
    return fail(ErrorCode::internal, fmt::format("keep the input: {}", std::strerror(errno)));
  }
  return file;
}

class Capture {
 public:
  Capture(asio::io_context& context, UniqueFd fd, std::size_t cap)
      : pipe_(context, fd.release()), cap_(cap) {}

  void start() {
    pipe_.async_read_some(asio::buffer(block_),
                          [this](const boost::system::error_code& problem, std::size_t count) {
                            const std::size_t kept = std::min(count, cap_ - text.size());
                            text.append(block_.data(), kept);
                            cut = cut || kept < count;
                            if (problem) {
                              ended = true;
                            } else {
                              start();
                            }
                          });
  }

  std::string text;
  bool cut = false;
  bool ended = false;

 private:
  asio::posix::stream_descriptor pipe_;
  std::size_t cap_;
  std::array<char, 65536> block_{};
};

Result<std::filesystem::path> find_program(const Command& command) {
  const std::string& word = command.argv[0];
  if (word.find('/') != std::string::npos) {
    if (::access(word.c_str(), X_OK) == 0 && !std::filesystem::is_directory(word)) {
      return std::filesystem::path(word);
    }
    return fail(ErrorCode::not_supported,
                fmt::format("{} is not there, or is not a program", describe({.argv = {word}})));
  }
  const char* own_path = std::getenv("PATH");
  const auto given = command.env.find("PATH");
  std::string_view path = given != command.env.end() ? std::string_view(given->second)
                          : own_path != nullptr      ? std::string_view(own_path)
                                                     : "/usr/bin:/bin";
  while (!path.empty()) {
    const std::string_view folder = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(path.size(), folder.size() + 1));
    const auto candidate = std::filesystem::path(folder) / word;
    std::error_code ignored;
    if (::access(candidate.c_str(), X_OK) == 0 &&
        std::filesystem::is_regular_file(candidate, ignored)) {
      return candidate;
    }
  }
  return fail(
      ErrorCode::not_supported,
      fmt::format("{} is not installed: it is in no folder of PATH", describe({.argv = {word}})));
}

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> all;
  for (const char* const* entry = environ; *entry != nullptr; ++entry) {
    const std::string_view known(*entry);
    if (!command.env.contains(std::string(known.substr(0, known.find('='))))) {
      all.emplace_back(known);
    }
  }
  for (const auto& [key, value] : command.env) {
    all.push_back(fmt::format("{}={}", key, value));
  }
  return all;
}

Status validate(const Command& command) {
  if (command.argv.empty() || command.argv[0].empty()) {
    return fail(ErrorCode::invalid_input, "a command without a program");
  }
  const auto has_zero = [](const std::string& word) {
    return word.find('\0') != std::string::npos;
  };
  for (const std::string& word : command.argv) {
    if (has_zero(word)) {
      return fail(ErrorCode::invalid_input, "a zero byte in: " + describe(command));
    }
  }
  for (const auto& [key, value] : command.env) {
    if (key.empty() || key.find('=') != std::string::npos || has_zero(key) || has_zero(value)) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("environment variable '{}' of {}", key, describe(command)));
    }
  }
  return {};
}

class Running {
 public:
  Running(const Command& command,
          const std::filesystem::path& program,
          const LocalRunnerOptions& options)
      : command_(command), program_(program), options_(options) {}

  Status start() {
    TRY_ASSIGN(UniqueFd input, input_file(command_.input), describe(command_));
    TRY_ASSIGN(Pipe out, make_pipe(), describe(command_));
    TRY_ASSIGN(Pipe err, make_pipe(), describe(command_));
    out_.emplace(context_, std::move(out.read), options_.output_cap);
    err_.emplace(context_, std::move(err.read), options_.output_cap);
    process::posix::default_launcher launcher;
    boost::system::error_code problem;
    const std::vector<std::string> arguments(command_.argv.begin() + 1, command_.argv.end());
    const std::vector<std::string> environment = environment_of(command_);
    std::vector<const char*> pointers;
    for (const std::string& entry : environment) {
      pointers.push_back(entry.c_str());
    }
    pointers.push_back(nullptr);
    child_.emplace(launcher(context_,
                            problem,
                            process::filesystem::path(program_.string()),
                            arguments,
                            process::process_stdio{input.get(), out.write.get(), err.write.get()},
                            OwnGroup{pointers}));
    if (problem) {
      return fail(ErrorCode::not_supported,
                  fmt::format("start {}: {}", describe(command_), problem.message()));
    }
    group_ = child_->id();
    return {};
  }

  Result<CommandResult> finish(Deadline deadline) {
    out_->start();
    err_->start();
    child_->async_wait([this](const boost::system::error_code&, int) { ended_ = true; });
    const bool in_time = run_while(deadline.at(), [this] { return !ended_; });
    if (!in_time) {
      ::kill(-group_, SIGTERM);
      run_while(Clock::now() + options_.grace, [this] { return !ended_; });
    } else {
      run_while(Clock::now() + kLastWords, [this] { return !out_->ended || !err_->ended; });
    }
    ::kill(-group_, SIGKILL);
    run_while(Clock::time_point::max(), [this] { return !ended_; });
    if (!in_time) {
      return fail(ErrorCode::timed_out,
                  fmt::format("{} did not end in time{}", describe(command_), last_words()));
    }
    return result();
  }

 private:
  bool run_while(Clock::time_point until, const std::function<bool()>& condition) {
    while (condition()) {
      if (until == Clock::time_point::max()) {
        context_.run_one();
      } else if (context_.run_one_until(until) == 0 && condition()) {
        return false;
      }
    }
    return true;
  }

  std::string last_words() const {
    const std::string& said = err_->text.empty() ? out_->text : err_->text;
    const std::string tail = said.substr(said.size() - std::min<std::size_t>(said.size(), 300));
    return tail.empty() ? " and said nothing" : fmt::format("; its last words: {}", tail);
  }

  CommandResult result() {
    const int status = child_->native_exit_code();
    CommandResult done;
    done.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    done.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    done.out = std::move(out_->text);
    done.err = std::move(err_->text);
    done.cut = out_->cut || err_->cut;
    return done;
  }

  const Command& command_;
  const std::filesystem::path& program_;
  const LocalRunnerOptions& options_;
  asio::io_context context_{1};
  std::optional<Capture> out_;
  std::optional<Capture> err_;
  std::optional<process::process> child_;
  pid_t group_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<CommandResult> LocalRunner::run(const Command& command, Deadline deadline) {
  TRY(validate(command), "run a local command");
  TRY_ASSIGN(const std::filesystem::path program, find_program(command), "run a local command");
  try {
    Running running(command, program, options_);
    TRY(running.start(), "run a local command");
    return running.finish(deadline);
  } catch (const std::exception& problem) {
    return fail(ErrorCode::internal, fmt::format("run {}: {}", describe(command), problem.what()));
  }
}

}  // namespace harness::exec
