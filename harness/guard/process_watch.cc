#include "harness/guard/process_watch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

namespace harness::guard {
namespace {

// How long an unknown process may yet become one of ours: between fork and exec it is its parent's
// image, and systemd runs its own program in the unit's cgroup first.
constexpr std::int64_t kYoungUs = 10'000'000;
constexpr std::array<std::string_view, 3> kNames = {"rke2", "containerd", "kubelet"};

std::vector<int> pids_of(const std::string& listed) {
  std::vector<int> out;
  for (std::size_t at = 0; at < listed.size();) {
    if (const int pid = std::atoi(listed.c_str() + at); pid > 0) {
      out.push_back(pid);
    }
    at = std::min(listed.find('\n', at), listed.size() - 1) + 1;
  }
  return out;
}

}  // namespace

ProcessWatch::ProcessWatch(Options options) : options_(std::move(options)) {
  if (options_.cgroups.empty()) {
    options_.cgroups = {"/sys/fs/cgroup/system.slice/" + options_.unit,
                        "/sys/fs/cgroup/systemd/system.slice/" + options_.unit};
  }
}

ProcessWatch::~ProcessWatch() {
  for (const auto& [pid, process] : running_) {
    close(process.pidfd);
  }
}

std::string ProcessWatch::list() const {
  for (const std::string& cgroup : options_.cgroups) {
    if (auto text = read_whole(cgroup + "/cgroup.procs", 1U << 20U)) {
      return *std::move(text);
    }
  }
  return {};
}

void ProcessWatch::tell(
    int pid, const Process& process, const char* op, const Now& stamp, const Take& take) {
  Json fact = stamped({{"type", "process"},
                       {"op", op},
                       {"name", process.name},
                       {"pid", pid},
                       {"start_ticks", process.start_ticks}},
                      stamp);
  if (!began_) {
    fact["initial"] = true;
  }
  take(std::move(fact));
}

void ProcessWatch::adopt(int pid, const Now& stamp, const Take& take) {
  const std::int64_t ticks = start_ticks(pid);
  if (ticks == 0) {
    return;
  }
  const std::string name = program_of(pid);
  if (std::ranges::find(kNames, name) == kNames.end()) {
    return;
  }
  if (const auto parent = running_.find(parent_of(pid));
      parent != running_.end() && parent->second.name == name) {
    return;
  }
  const int pidfd = options_.open_pidfd(pid);
  if (pidfd < 0) {
    if (errno != ESRCH && !std::exchange(told_problem_, true)) {
      take(stamped({{"type", "process-problem"},
                    {"line",
                     fmt::format("watch {} of {}: pidfd_open of process {}: {}; the ends of rke2, "
                                 "containerd and kubelet are not seen on this node, which needs "
                                 "Linux 5.3",
                                 name,
                                 options_.unit,
                                 pid,
                                 std::strerror(errno))}},
                   now()));
    }
    return;
  }
  // The name and the pidfd are of one process if it is still the one that was looked at.
  if (pidfd_wait(pidfd, std::chrono::milliseconds(0)) || start_ticks(pid) != ticks) {
    close(pidfd);
    return;
  }
  const auto [added, fresh] = running_.emplace(pid, Process{name, pidfd, ticks});
  tell(pid, added->second, "started", stamp, take);
}

void ProcessWatch::reap(const Take& take) {
  std::vector<pollfd> watched;
  std::vector<int> of;
  for (const auto& [pid, process] : running_) {
    watched.push_back({process.pidfd, POLLIN, 0});
    of.push_back(pid);
  }
  if (watched.empty() || ::poll(watched.data(), watched.size(), 0) <= 0) {
    return;
  }
  const Now stamp = now();
  for (std::size_t i = 0; i < watched.size(); ++i) {
    if (watched[i].revents != 0) {
      const auto ended = running_.extract(of[i]);
      close(ended.mapped().pidfd);
      seen_.erase(of[i]);
      listed_.clear();  // its number may be another's by the next look
      tell(of[i], ended.mapped(), "exited", stamp, take);
    }
  }
}

void ProcessWatch::poll(const Take& take) {
  reap(take);
  const Now stamp = now();
  if (stamp.mono_us - looked_at_ < options_.period.count()) {
    return;
  }
  looked_at_ = stamp.mono_us;
  std::string listed = list();
  if (began_ && listed == listed_ && stamp.mono_us >= young_until_) {
    return;
  }
  listed_ = std::move(listed);
  const std::vector<int> present = pids_of(listed_);
  for (const int pid : present) {
    const auto [known, fresh] = seen_.emplace(pid, stamp.mono_us);
    young_until_ = fresh ? stamp.mono_us + kYoungUs : young_until_;
    const std::int64_t since = known->second;
    if (!running_.contains(pid) && (!began_ || stamp.mono_us - since < kYoungUs)) {
      adopt(pid, stamp, take);
    }
  }
  std::erase_if(seen_, [&](const auto& one) {
    return std::ranges::find(present, one.first) == present.end();
  });
  began_ = true;
}

void ProcessWatch::wait_on(std::vector<pollfd>& watched) const {
  for (const auto& [pid, process] : running_) {
    watched.push_back({process.pidfd, POLLIN, 0});
  }
}

}  // namespace harness::guard
