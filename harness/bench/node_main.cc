#include <charconv>
#include <csignal>
#include <cstdio>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/time.h"
#include "harness/bench/node_side.h"
#include "harness/guard/system.h"

namespace harness::bench {
namespace {

std::string logrus(const std::string& message) {
  return fmt::format("time=\"{}\" level=info msg=\"{}\"\n",
                     format_wall(wall_now_us()).substr(0, 19) + "Z",
                     message);
}

bool put(int fd, const std::string& text) {
  return write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

int run_logger() {
  const std::string dir(kRunDir);
  const int go = open((dir + "/go").c_str(), O_RDWR | O_CLOEXEC);
  const int back = open((dir + "/back").c_str(), O_RDWR | O_CLOEXEC);
  if (go < 0 || back < 0 || !put(STDOUT_FILENO, logrus(std::string(kWaits))) ||
      !put(back, "waits\n")) {
    return 1;
  }
  char buffer[128];
  const ssize_t got = read(go, buffer, sizeof buffer - 1);
  buffer[got > 0 ? got : 0] = '\0';
  int trial = 0;
  long long delay_us = 0;
  if (std::sscanf(buffer, "%d %lld", &trial, &delay_us) != 2) {
    return 1;
  }
  const std::string line = logrus(fmt::format("{}, trial {}", kMarker, trial));
  const timespec delay{delay_us / 1'000'000, (delay_us % 1'000'000) * 1000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, nullptr);
  const std::int64_t stamp = guard::now().mono_us;
  if (!put(STDOUT_FILENO, line) || !put(back, fmt::format("{}\n", stamp))) {
    return 1;
  }
  pause();
  return 0;
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
  if (verb == "serve") {
    return harness::bench::run_serve();
  }
  std::fprintf(stderr, "usage: node logger | strike | serve\n");
  return 2;
}
