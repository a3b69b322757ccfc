#include <charconv>
#include <csignal>
#include <cstdio>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/time.h"
#include "harness/bench/lines.h"
#include "harness/bench/node_side.h"
#include "harness/guard/system.h"

namespace harness::bench {
namespace {

// A logger that nobody stops ends by itself.
constexpr std::chrono::minutes kPatience{5};

bool put(int fd, const std::string& text) {
  return write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

class Logger {
 public:
  Logger(std::string run, int trial, int back) : run_(std::move(run)), trial_(trial), back_(back) {}

  bool waits() const { return say(line("waits")) && answer("waits", 0); }

  bool obey(const Note& order) const {
    if (order.word == "probe") {
      return say(line("probe")) && answer("probed", 0);
    }
    const std::string marker = line("marker");
    const timespec delay{order.us / 1'000'000, (order.us % 1'000'000) * 1000};
    if (!say(line("lead"))) {
      return false;
    }
    clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, nullptr);
    const std::int64_t stamp = guard::now().mono_us;
    return say(marker) && answer("wrote", stamp);
  }

 private:
  std::string line(std::string_view kind) const {
    return fmt::format("time=\"{}\" level=info msg=\"{}\"\n",
                       format_wall(wall_now_us()).substr(0, 19) + "Z",
                       message_of(kind, run_, trial_));
  }

  static bool say(const std::string& text) { return put(STDOUT_FILENO, text); }

  bool answer(const char* word, std::int64_t us) const {
    return put(back_, text_of({word, trial_, us}));
  }

  const std::string run_;
  const int trial_;
  const int back_;
};

}  // namespace

int run_logger() {
  const std::string dir(kRunDir);
  const int go = open((dir + "/go").c_str(), O_RDWR | O_CLOEXEC);
  const int back = open((dir + "/back").c_str(), O_RDWR | O_CLOEXEC);
  const auto trial = guard::read_whole(dir + "/trial", 256);
  const auto mine = trial ? note_from(trial->substr(0, trial->find('\n'))) : std::nullopt;
  if (go < 0 || back < 0 || !mine) {
    std::fprintf(stderr, "logger: %s lacks its FIFOs or the trial's number\n", dir.c_str());
    return 1;
  }
  const Logger logger(mine->word, mine->trial, back);
  bool well = logger.waits();
  for (Notes notes; well;) {
    const auto order = read_note(go, notes, "", mine->trial, Deadline::after(kPatience));
    well = order && logger.obey(*order);
  }
  return 1;
}

int run_strike() {
  char buffer[32];
  const ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
  int pid = 0;
  std::from_chars(buffer, buffer + (got > 0 ? got : 0), pid);
  if (pid <= 1) {
    std::fprintf(stderr, "strike: a pid is wanted on standard input\n");
    return 2;
  }
  const std::int64_t stamp = guard::now().mono_us;
  const bool sent = kill(pid, SIGKILL) == 0;
  fmt::print("{}\n", stamp);
  return sent ? 0 : 1;
}

int run_wait() {
  const timespec patience{std::chrono::seconds(kPatience).count(), 0};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &patience, nullptr);
  return 0;
}

}  // namespace harness::bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string verb = argc == 2 ? argv[1] : "";
  if (verb == "logger") {
    return harness::bench::run_logger();
  }
  if (verb == "strike") {
    return harness::bench::run_strike();
  }
  if (verb == "wait") {
    return harness::bench::run_wait();
  }
  if (verb == "serve") {
    return harness::bench::run_serve();
  }
  std::fprintf(stderr, "usage: node logger | strike | wait | serve\n");
  return 2;
}
