#include "harness/bench/node_scene.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/bench/node_side.h"
#include "harness/guard/system.h"

namespace harness::bench {
namespace {

constexpr std::chrono::seconds kToolLimit{20};
constexpr std::chrono::seconds kReadyLimit{10};
constexpr std::string_view kUnits = "/run/systemd/system/";
constexpr std::string_view kServer = "rke2-server.service";

const std::string kBundle =
    fmt::format("/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/{}", kVictim);

std::string file_of(std::string_view unit) {
  return fmt::format("{}{}", kUnits, unit);
}

Result<std::string> systemctl(std::vector<std::string> words) {
  words.insert(words.begin(), "systemctl");
  TRY_ASSIGN(guard::Finished done, guard::spawn(words, kToolLimit), "systemctl");
  if (!done.ok()) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{}: exit {}{}: {}",
                            fmt::join(words, " "),
                            done.status,
                            done.timed_out ? ", not in time" : "",
                            done.err));
  }
  return std::move(done.out);
}

// RKE2's server unit says that it conflicts with the agent's, so the start of our unit would stop
// the server. A copy without that line hides it as long as the benchmark runs.
Status let_both_run() {
  TRY_ASSIGN(std::string path,
             systemctl({"show", "--property=FragmentPath", "--value", std::string(kServer)}),
             "unit");
  path.erase(std::min(path.find('\n'), path.size()));
  if (path.empty()) {
    return {};  // an agent
  }
  TRY_ASSIGN(const std::string text, guard::read_whole(path, 65536), "unit");
  std::string copy;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    copy += line.starts_with("Conflicts=") ? "" : line + "\n";
  }
  return guard::write_durable(file_of(kServer), copy, 0644);
}

Status check_both_run() {
  TRY_ASSIGN(const std::string said,
             systemctl({"show", "--property=Conflicts,ConflictedBy", std::string(kUnit)}),
             "unit");
  return said.find(kServer) == std::string::npos
             ? Status()
             : Status(fail(ErrorCode::not_supported,
                           fmt::format("the start of {} would stop {} on this node ({}); its unit "
                                       "is not where {} could hide it",
                                       kUnit,
                                       kServer,
                                       said,
                                       kUnits)));
}

Json container_annotations() {
  const std::string prefix = "io.kubernetes.cri.";
  return {{prefix + "container-name", kPod},
          {prefix + "sandbox-name", fmt::format("{}-bench", kPod)},
          {prefix + "container-type", "container"},
          {prefix + "sandbox-id", kVictim},
          {prefix + "sandbox-uid", kVictimPodUid},
          {prefix + "sandbox-namespace", "kube-system"}};
}

}  // namespace

Scene::~Scene() {
  take_away();
}

Status Scene::set_up(const std::string& run) {
  const std::string dir(kRunDir);
  take_away();
  set_up_ = true;
  run_ = run;
  TRY(guard::make_dir(dir), "set up");
  for (const auto& [name, fd] : {std::pair{"/go", &go_}, std::pair{"/back", &back_}}) {
    const std::string path = dir + name;
    if (mkfifo(path.c_str(), 0600) != 0 ||
        (*fd = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK)) < 0) {
      return fail(ErrorCode::remote_failed, fmt::format("{}: {}", path, std::strerror(errno)));
    }
  }
  TRY(guard::write_durable(
          file_of(kUnit),
          fmt::format("[Unit]\nDescription=Hookshot bench\nStartLimitIntervalSec=0\n"
                      "[Service]\nSyslogIdentifier=rke2\nExecStart={} logger\n",
                      kProgram),
          0644),
      "set up");
  TRY(let_both_run(), "set up");
  TRY(systemctl({"daemon-reload"}), "set up");
  return check_both_run();
}

Result<int> Scene::make_victim() {
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
                fmt::format("victim: fork or pidfd_open: {}", std::strerror(errno)));
  }
  std::error_code problem;
  std::filesystem::create_directories(kBundle, problem);
  TRY(guard::write_durable(kBundle + "/config.json",
                           Json{{"annotations", container_annotations()}}.dump()),
      "victim");
  TRY(guard::write_durable(kBundle + "/init.pid", std::to_string(victim_)), "victim");
  return victim_;
}

Result<int> Scene::make_container(const std::string& data_dir) {
  TRY_ASSIGN(const int pid,
             container_.start(data_dir, container_annotations(), kBundle + "/init.pid"),
             "container");
  pidfd_ = guard::pidfd_open(pid);
  if (pidfd_ < 0) {
    return fail(ErrorCode::remote_failed,
                fmt::format("pidfd_open of the container's {}: {}", pid, std::strerror(errno)));
  }
  return pid;
}

Status Scene::begin(int trial) {
  trial_ = trial;
  TRY(guard::write_durable(std::string(kRunDir) + "/trial", text_of({run_, trial, 0})), "begin");
  TRY(systemctl({"start", std::string(kUnit)}), "begin");
  TRY(answer("waits", Deadline::after(kReadyLimit)), "begin");
  return {};
}

Status Scene::order(const Note& note) {
  const std::string text = text_of(note);
  return write(go_, text.data(), text.size()) == static_cast<ssize_t>(text.size())
             ? Status()
             : Status(fail(ErrorCode::remote_failed,
                           fmt::format("tell the logger: {}", std::strerror(errno))));
}

Result<Note> Scene::answer(std::string_view word, const Deadline& deadline) {
  TRY_ASSIGN(Note note, read_note(back_, notes_, word, trial_, deadline), "the logger");
  return note;
}

Status Scene::end() {
  TRY(systemctl({"stop", std::string(kUnit)}), "end");
  if (const int victim = std::exchange(victim_, -1); victim > 0) {
    kill(victim, SIGKILL);
    waitpid(victim, nullptr, 0);
  }
  if (pidfd_ >= 0) {
    close(std::exchange(pidfd_, -1));
  }
  TRY(container_.remove(), "end");
  std::error_code ignored;
  std::filesystem::remove_all(kBundle, ignored);
  return {};
}

// The program itself goes when the connection does, in run_serve().
void Scene::take_away() {
  std::error_code ignored;
  if (!set_up_ && !std::filesystem::exists(std::string(kRunDir), ignored)) {
    return;
  }
  static_cast<void>(end());
  for (const std::string_view unit : {kUnit, kServer}) {
    std::filesystem::remove(file_of(unit), ignored);
  }
  static_cast<void>(systemctl({"daemon-reload"}));
  for (int* fd : {&go_, &back_}) {
    close(std::exchange(*fd, -1));
  }
  std::filesystem::remove_all(kBundle, ignored);
  std::filesystem::remove_all(std::string(kRunDir), ignored);
}

}  // namespace harness::bench
