#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/time.h"
#include "harness/bench/node_side.h"
#include "harness/guard/protocol.h"
#include "harness/guard/system.h"

namespace harness::bench {
namespace {

constexpr std::chrono::seconds kToolLimit{20};
constexpr std::chrono::seconds kReadyLimit{10};
constexpr std::int64_t kStepUs = 1000;

// What somebody would write by hand: each part is a builtin, so nothing is started when it counts.
constexpr const char* kLoop =
    "journalctl -f -n 1 -o cat -u \"$2\" | { read -r line; echo ready; while read -r line; do "
    "case $line in *\"$3\"*) t=$EPOCHREALTIME; kill -KILL \"$1\"; echo \"$t\"; break ;; esac; "
    "done; }";

const std::string kUnitFile = fmt::format("/run/systemd/system/{}", kUnit);
const std::string kBundle =
    fmt::format("/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/{}", kVictim);

Status systemctl(std::vector<std::string> words) {
  words.insert(words.begin(), "systemctl");
  TRY_ASSIGN(const guard::Finished done, guard::spawn(words, kToolLimit), "systemctl");
  return done.ok() ? Status()
                   : Status(fail(ErrorCode::remote_failed,
                                 fmt::format("systemctl {}: {}", words[1], done.err)));
}

Result<std::string> read_line(int fd, Deadline deadline, const std::string& what) {
  std::string line;
  pollfd watched{fd, POLLIN, 0};
  for (char c = 0; ::poll(&watched, 1, static_cast<int>(deadline.left().count())) > 0;) {
    if (read(fd, &c, 1) != 1) {
      return fail(ErrorCode::remote_failed, what + " has ended");
    }
    if (c == '\n') {
      return line;
    }
    line += c;
  }
  return fail(ErrorCode::timed_out, fmt::format("{} said nothing in time (\"{}\")", what, line));
}

class Server {
 public:
  ~Server() { take_away(); }

  Result<Json> answer(const Json& request);

 private:
  Status setup();
  Result<Json> victim();
  Status loop();
  Result<Json> go(const Json& request);
  Status end();
  void take_away();

  int go_ = -1;
  int back_ = -1;
  int victim_ = -1;
  int pidfd_ = -1;
  int loop_ = -1;
  int loop_out_ = -1;
  bool set_up_ = false;
};

Status Server::setup() {
  const std::string dir(kRunDir);
  set_up_ = true;
  TRY(guard::make_dir(dir), "set up");
  for (const auto& [name, fd] : {std::pair{"/go", &go_}, std::pair{"/back", &back_}}) {
    unlink((dir + name).c_str());
    mkfifo((dir + name).c_str(), 0600);
    *fd = open((dir + name).c_str(), O_RDWR | O_CLOEXEC);
    if (*fd < 0) {
      return fail(ErrorCode::remote_failed, fmt::format("{}{}: {}", dir, name, strerror(errno)));
    }
  }
  TRY(guard::write_durable(
          kUnitFile,
          fmt::format("[Unit]\nDescription=Hookshot bench\nStartLimitIntervalSec=0\n"
                      "[Service]\nSyslogIdentifier=rke2\nExecStart={} logger\n",
                      kProgram),
          0644),
      "set up");
  return systemctl({"daemon-reload"});
}

// A bundle such as containerd's shim leaves, whose process is the victim.
Result<Json> Server::victim() {
  victim_ = fork();
  if (victim_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (true) {
      pause();
    }
  }
  pidfd_ = guard::pidfd_open(victim_);
  if (victim_ < 0 || pidfd_ < 0) {
    return fail(ErrorCode::not_supported,
                "victim: fork or pidfd_open: " + std::string(strerror(errno)));
  }
  const std::string prefix = "io.kubernetes.cri.";
  const Json config{{"annotations",
                     {{prefix + "container-name", kPod},
                      {prefix + "sandbox-name", fmt::format("{}-bench", kPod)},
                      {prefix + "container-type", "container"},
                      {prefix + "sandbox-id", kVictim},
                      {prefix + "sandbox-uid", kVictim},
                      {prefix + "sandbox-namespace", "kube-system"}}}};
  std::error_code problem;
  std::filesystem::create_directories(kBundle, problem);
  TRY(guard::write_durable(kBundle + "/config.json", config.dump()), "victim");
  TRY(guard::write_durable(kBundle + "/init.pid", std::to_string(victim_)), "victim");
  return Json{{"pid", victim_}};
}

Status Server::loop() {
  int ends[2] = {-1, -1};
  const int none = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (none < 0 || pipe2(ends, O_CLOEXEC) != 0) {
    return fail(ErrorCode::remote_failed, "start the loop: " + std::string(strerror(errno)));
  }
  loop_ = guard::start({"/bin/bash",
                        "-c",
                        kLoop,
                        "loop",
                        std::to_string(victim_),
                        std::string(kUnit),
                        std::string(kMarker)},
                       none,
                       ends[1],
                       STDERR_FILENO,
                       {{"LC_ALL", "C"}});
  close(none);
  close(ends[1]);
  loop_out_ = ends[0];
  TRY_ASSIGN(const std::string said,
             read_line(loop_out_, Deadline::after(kReadyLimit), "the shell loop"),
             "start the loop");
  return {};
}

Result<Json> Server::go(const Json& request) {
  const std::int64_t delay_us = json_int(request, "delay_us");
  const guard::Now before = guard::now();
  const std::string order = fmt::format("{} {}\n", json_int(request, "trial"), delay_us);
  if (write(go_, order.data(), order.size()) != static_cast<ssize_t>(order.size())) {
    return fail(ErrorCode::remote_failed, "tell the logger: " + std::string(strerror(errno)));
  }
  TRY_ASSIGN(const std::string marker,
             read_line(back_, Deadline::after(Microseconds(delay_us) + kReadyLimit), "the logger"),
             "marker");
  const bool died =
      guard::pidfd_wait(pidfd_, std::chrono::milliseconds(json_int(request, "limit_ms")));
  const guard::Now effect = guard::now();
  Json out{
      {"died", died}, {"marker_us", std::atoll(marker.c_str())}, {"effect_us", effect.mono_us}};
  if (died && loop_out_ >= 0) {
    TRY_ASSIGN(std::string stamp,
               read_line(loop_out_, Deadline::after(kReadyLimit), "the shell loop"),
               "the loop's stamp");
    std::erase(stamp, '.');
    out["action_us"] = std::atoll(stamp.c_str()) - (effect.wall_us - effect.mono_us);
  }
  const std::int64_t moved = (effect.wall_us - effect.mono_us) - (before.wall_us - before.mono_us);
  if (std::abs(moved) > kStepUs) {
    return fail(ErrorCode::remote_failed,
                fmt::format("the node's wall clock was moved by {} us during the trial, and the "
                            "shell loop has no other; run again when it is steady",
                            moved));
  }
  return out;
}

Status Server::end() {
  TRY(systemctl({"stop", std::string(kUnit)}), "end");
  if (const int loop = std::exchange(loop_, -1); loop > 0) {
    kill(-loop, SIGKILL);
    waitpid(loop, nullptr, 0);
  }
  if (const int victim = std::exchange(victim_, -1); victim > 0) {
    kill(victim, SIGKILL);
    waitpid(victim, nullptr, 0);
  }
  for (int* fd : {&loop_out_, &pidfd_}) {
    if (*fd >= 0) {
      close(std::exchange(*fd, -1));
    }
  }
  std::error_code ignored;
  std::filesystem::remove_all(kBundle, ignored);
  return {};
}

void Server::take_away() {
  if (!set_up_) {
    return;
  }
  static_cast<void>(end());
  std::error_code ignored;
  std::filesystem::remove(kUnitFile, ignored);
  static_cast<void>(systemctl({"daemon-reload"}));
  std::filesystem::remove_all(std::string(kRunDir), ignored);
  std::filesystem::remove_all(std::string(kProgramDir), ignored);
}

// The guard that runs this verb; the newest, if there are several.
Result<Json> usage(const std::string& verb) {
  const std::string wanted = std::string(guard::kGuardPath) + '\0' + verb + '\0';
  int pid = 0;
  std::error_code ignored;
  for (const auto& item : std::filesystem::directory_iterator("/proc", ignored)) {
    const int one = std::atoi(item.path().filename().c_str());
    if (one > pid && guard::read_whole(item.path() / "cmdline").value_or("").starts_with(wanted)) {
      pid = one;
    }
  }
  const std::string proc = fmt::format("/proc/{}", pid);
  TRY_ASSIGN(std::string stat, guard::read_whole(proc + "/stat"), "guard " + verb);
  TRY_ASSIGN(std::string status, guard::read_whole(proc + "/status"), "guard " + verb);
  return Json{{"pid", pid},
              {"stat", std::move(stat)},
              {"status", std::move(status)},
              {"mono_us", guard::now().mono_us},
              {"ticks_per_second", sysconf(_SC_CLK_TCK)}};
}

Result<Json> Server::answer(const Json& request) {
  const std::string op = json_string(request, "op");
  if (op == "victim") {
    return victim();
  }
  if (op == "go") {
    return go(request);
  }
  if (op == "usage") {
    return usage(json_string(request, "verb"));
  }
  if (op == "setup") {
    TRY(setup(), op);
  } else if (op == "begin") {
    TRY(systemctl({"start", std::string(kUnit)}), op);
    TRY_ASSIGN(
        const std::string said, read_line(back_, Deadline::after(kReadyLimit), "logger"), op);
  } else if (op == "loop") {
    TRY(loop(), op);
  } else if (op == "end") {
    TRY(end(), op);
  } else {
    return fail(ErrorCode::invalid_input, "there is no op '" + op + "'");
  }
  return Json::object();
}

}  // namespace

int run_serve() {
  Server server;
  for (std::string line; std::getline(std::cin, line);) {
    const auto request = parse_json(line);
    const auto answer = request ? server.answer(*request) : Result<Json>(fail(request.error()));
    if (!guard::emit(answer ? *answer : Json{{"error", answer.error().message()}})) {
      return 1;
    }
  }
  return 0;
}

}  // namespace harness::bench
