#include "harness/lab/recipe.h"

#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/base/time.h"
#include "harness/exec/unique_fd.h"
#include "harness/lab/state.h"

namespace harness::lab {

namespace {

constexpr int kLookMilliseconds = 200;
constexpr std::chrono::seconds kGrace{5};  // for a recipe's own clean-up

struct Pipe {
  exec::UniqueFd read;
  exec::UniqueFd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return fail(ErrorCode::internal, fmt::format("pipe: {}", std::strerror(errno)));
  }
  return Pipe{exec::UniqueFd(ends[0]), exec::UniqueFd(ends[1])};
}

Result<pid_t> start(const std::vector<std::string>& argv, const Pipe& out, const Pipe& err) {
  std::vector<char*> words;
  for (const auto& word : argv) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, err.write.get(), 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, words[0], &actions, &attributes, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    return fail(ErrorCode::not_supported, fmt::format("{}: {}", argv[0], std::strerror(failed)));
  }
  return pid;
}

class Lines {
 public:
  // False at the end of the stream.
  bool take(int fd, const std::function<void(const std::string&)>& line) {
    char buffer[4096];
    const ssize_t size = ::read(fd, buffer, sizeof buffer);
    if (size <= 0) {
      return size < 0 && errno == EINTR;
    }
    pending_.append(buffer, static_cast<std::size_t>(size));
    for (auto end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n')) {
      line(pending_.substr(0, end));
      pending_.erase(0, end + 1);
    }
    return true;
  }

 private:
  std::string pending_;
};

const char* set_or(const char* variable, const char* fallback) {
  const char* set = std::getenv(variable);
  return set != nullptr && *set != '\0' ? set : fallback;
}

}  // namespace

Result<std::string> run_recipe(const std::vector<std::string>& argv,
                               const Progress& progress,
                               std::stop_token stop) {
  TRY_ASSIGN(Pipe out, make_pipe(), argv[0]);
  TRY_ASSIGN(Pipe err, make_pipe(), argv[0]);
  TRY_ASSIGN(const pid_t pid, start(argv, out, err), "recipe");
  out.write.reset();
  err.write.reset();
  std::string answer;
  std::string said;
  Lines out_lines;
  Lines err_lines;
  bool told = false;
  Deadline kill_at = Deadline::after(kGrace);
  pollfd watched[2] = {{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}};
  while (watched[0].fd >= 0 || watched[1].fd >= 0) {
    if (stop.stop_requested()) {
      // Again on every look: a child that is just being forked may miss the first.
      kill_at = told ? kill_at : Deadline::after(kGrace);
      told = true;
      ::kill(-pid, kill_at.passed() ? SIGKILL : SIGTERM);
    }
    if (::poll(watched, 2, kLookMilliseconds) <= 0) {
      continue;
    }
    if (watched[0].revents != 0 &&
        !out_lines.take(watched[0].fd, [&](const std::string& line) { answer = line; })) {
      watched[0].fd = -1;
    }
    const auto tell = [&](const std::string& line) {
      said = line;
      if (progress) {
        progress(line);
      }
    };
    if (watched[1].revents != 0 && !err_lines.take(watched[1].fd, tell)) {
      watched[1].fd = -1;
    }
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (told) {
    return fail(ErrorCode::refused, "interrupted");
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const bool lacking = WIFEXITED(status) && WEXITSTATUS(status) == 3;
    return fail(lacking ? ErrorCode::not_supported : ErrorCode::remote_failed,
                fmt::format("{}: {}", argv[0], said));
  }
  return answer;
}

Status check_standin_version(const std::string& version) {
  const std::string text = read_file(recipes() / "../../harness/lab/standin/release/versions.json");
  if (text.empty()) {
    return {};
  }
  TRY_ASSIGN(const Json list, parse_json(text), "versions.json of the stand-in");
  std::string known;
  for (const auto& one : list.value("versions", Json::array())) {
    const std::string name = json_string(one, "version");
    if (name == version) {
      return {};
    }
    known += (known.empty() ? "" : ", ") + name;
  }
  return fail(ErrorCode::invalid_input,
              "the stand-in has no version " + version + "; it has " + known);
}

std::filesystem::path recipes() {
  return set_or("HOOKSHOT_LAB_RECIPES", HOOKSHOT_LAB_RECIPES_BUILT);
}

std::filesystem::path standin_binary() {
  return set_or("HOOKSHOT_LAB_STANDIN", HOOKSHOT_LAB_STANDIN_BUILT);
}

}  // namespace harness::lab
