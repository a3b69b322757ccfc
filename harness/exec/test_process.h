// A program that runs beside a test (a daemon to talk to), ended with the test. For tests only;
// what a command prints is LocalRunner's business.
#pragma once

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace harness::exec {

class TestProcess {
 public:
  TestProcess() = default;

  // Standard output and error go to `log`. Not running when the program could not be started.
  TestProcess(std::vector<std::string> argv, const std::filesystem::path& log) {
    std::vector<char*> words;
    for (std::string& word : argv) {
      words.push_back(word.data());
    }
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (::posix_spawnp(&pid_, words[0], &actions, nullptr, words.data(), environ) != 0) {
      pid_ = -1;
    }
    posix_spawn_file_actions_destroy(&actions);
  }

  TestProcess(TestProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}

  TestProcess& operator=(TestProcess&& other) noexcept {
    end();
    pid_ = std::exchange(other.pid_, -1);
    status_ = other.status_;
    return *this;
  }

  ~TestProcess() { end(); }

  TestProcess(const TestProcess&) = delete;
  TestProcess& operator=(const TestProcess&) = delete;

  pid_t pid() const { return pid_; }

  // Its status, as waitpid gives it, once it has ended.
  std::optional<int> ended() {
    if (int status = 0; pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      status_ = status;
    }
    return status_;
  }

  // False once it has ended by itself.
  bool running() { return !ended() && pid_ > 0; }

  void end() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      pid_ = -1;
    }
  }

 private:
  pid_t pid_ = -1;
  std::optional<int> status_;
};

}  // namespace harness::exec
