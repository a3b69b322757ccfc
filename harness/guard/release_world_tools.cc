// What the tools of that node say.
#include <csignal>

#include <sys/wait.h>

#include "harness/guard/action_hog.h"
#include "harness/guard/release_world.h"

namespace harness::guard {
namespace {

Finished says(const std::string& text) {
  return {.out = text + "\n"};
}

void set(bool& what, bool to) {
  what = to;
}

}  // namespace

std::optional<Result<Finished>> ReleaseWorld::answer(const std::string& line) {
  if (line.starts_with("systemctl ") || line.starts_with("systemd-run ")) {
    return of_systemd(line);
  }
  if (line.starts_with("systemd-detect-virt")) {
    return Finished{.status = 1, .out = "none\n"};
  }
  if (line.starts_with("getent ")) {
    return says("198.51.100.7    STREAM r.example");
  }
  if (line.starts_with("ip -j route get ")) {
    return says(R"([{"dst":"x","dev":"eth0"}])");
  }
  if (line.starts_with("unshare ") || line == "tc -batch -") {
    qdisc_ = qdisc_ || line.starts_with("tc");
    return Finished{};
  }
  if (line.starts_with("tc qdisc del dev eth0 root handle 7a57:")) {
    qdisc_ = false;
    return Finished{};
  }
  if (line.starts_with("tc ")) {
    return says(qdisc_ ? R"([{"kind":"prio","handle":"7a57:","dev":"eth0","root":true,"packets":9},
      {"kind":"netem","handle":"7a58:","dev":"eth0","parent":"7a57:4","packets":3,"drops":0}])"
                       : R"([{"kind":"noqueue","handle":"0:","dev":"eth0","root":true}])");
  }
  return std::nullopt;
}

Finished ReleaseWorld::of_systemd(const std::string& line) {
  const auto has = [&line](std::string_view text) { return line.find(text) != std::string::npos; };
  const bool of_hog = has("hookshot-hog-");
  const bool of_keeper = has("chronyd.service");
  if (line.starts_with("systemd-run ")) {
    start_hog();
  } else if (has("systemctl stop ")) {
    of_hog ? end_hog() : of_keeper ? set(keeper_, false) : stop_service();
  } else if (has("systemctl start ")) {
    set(of_keeper ? keeper_ : up_, true);
  } else if (has("MainPID")) {
    return says(std::to_string(of_hog ? hog_ : main_pid_));
  } else if (has("ActiveState")) {
    const bool active = of_hog ? hog_ > 0 : has("rke2-") ? up_ : of_keeper && keeper_;
    return says(active ? "active" : "inactive");
  } else if (has("CPUQuotaPerSecUSec")) {
    return says("infinity");
  } else if (has("ControlGroup")) {
    return says("/no/such");
  }
  return {};
}

void ReleaseWorld::stop_service() {
  up_ = false;
  children_.end(main_);
}

void ReleaseWorld::start_hog() {
  if (record_.action.kind == Action::Kind::memory) {
    hog_ = children_.start_one().pid;
    std::filesystem::create_directories(folder_ / "proc" / std::to_string(hog_));
    file("proc/" + std::to_string(hog_) + "/status", "VmRSS:\t 204800 kB\n");
    available_mb(100);
    return;
  }
  hog_ = fork();
  if (hog_ == 0) {
    _exit(run_hog("cpu", "1"));
  }
  burns_ = true;
}

void ReleaseWorld::end_hog() {
  if (burns_) {
    kill(hog_, SIGKILL);
    waitpid(hog_, nullptr, 0);
  }
  burns_ = false;
  hog_ = 0;
}

}  // namespace harness::guard
