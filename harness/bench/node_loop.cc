#include "harness/bench/node_loop.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/bench/node_side.h"
#include "harness/guard/system.h"

namespace harness::bench {
namespace {

// Each part is a builtin, so nothing is started when it counts. Its first line is history: with it,
// journalctl stands at the end of the journal and follows.
constexpr const char* kLoop = R"(journalctl -f -n 1 -o cat -u "$2" | {
  read -r line; echo "follows $3 0"
  while read -r line; do
    case $line in
      *"$5"*) t=$EPOCHREALTIME; kill -KILL "$1"; echo "killed $3 ${t/./}"; break ;;
      *"$4"*) echo "seen $3 0" ;;
    esac
  done
})";

}  // namespace

Status ShellLoop::start(const Scene& scene, const Deadline& deadline) {
  int ends[2] = {-1, -1};
  const int none = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (none < 0 || pipe2(ends, O_CLOEXEC) != 0) {
    return fail(ErrorCode::remote_failed, std::strerror(errno));
  }
  trial_ = scene.trial();
  notes_ = {};
  pid_ = guard::start({"/bin/bash",
                       "-c",
                       kLoop,
                       "loop",
                       std::to_string(scene.victim()),
                       std::string(kUnit),
                       std::to_string(trial_),
                       message_of("probe", scene.run(), trial_),
                       message_of("marker", scene.run(), trial_)},
                      none,
                      ends[1],
                      STDERR_FILENO,
                      {{"LC_ALL", "C"}});
  close(none);
  close(ends[1]);
  out_ = ends[0];
  TRY(answer("follows", deadline), "");
  return {};
}

Result<Note> ShellLoop::answer(std::string_view word, const Deadline& deadline) {
  TRY_ASSIGN(Note note, read_note(out_, notes_, word, trial_, deadline), "the shell loop");
  return note;
}

void ShellLoop::end() {
  if (const int pid = std::exchange(pid_, -1); pid > 0) {
    kill(-pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  if (out_ >= 0) {
    close(std::exchange(out_, -1));
  }
}

}  // namespace harness::bench
