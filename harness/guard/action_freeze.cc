#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "harness/base/time.h"
#include "harness/guard/action_hold.h"

namespace harness::guard {
namespace {

bool waits_for(const Deadline& deadline, const std::function<bool()>& done) {
  while (!done()) {
    if (deadline.passed()) {
      return false;
    }
    static_cast<void>(::poll(nullptr, 0, 1));
  }
  return true;
}

bool settled(const Process& process) {
  const char state = state_of(process);
  return state == 'T' || state == '-';
}

Result<Deed> frozen(const std::string& what, const std::vector<Process>& all, Deed deed) {
  Json states = Json::array();
  int stopped = 0;
  for (const Process& process : all) {
    const char state = state_of(process);
    stopped += state == 'T' ? 1 : 0;
    states.push_back({{"pid", process.pid},
                      {"start_ticks", process.start_ticks},
                      {"state", std::string(1, state)}});
    if (state != 'T' && state != '-') {
      return fail(
          ErrorCode::remote_failed,
          fmt::format(
              "SIGSTOP was sent, but process {} of {} is in state {}", process.pid, what, state));
    }
  }
  if (stopped == 0) {
    return fail(ErrorCode::remote_failed,
                fmt::format("no process of {} was there to be frozen when the moment came", what));
  }
  deed.evidence = {
      {"how", "freeze"},
      {"stretched", true},
      {"processes", std::move(states)},
      {"summary",
       fmt::format(
           "{} process{} of {} in state T by SIGSTOP", stopped, stopped == 1 ? "" : "es", what)}};
  return deed;
}

}  // namespace

bool signal_to(const Process& process, int signal) {
  const int pidfd = pidfd_open(process.pid);
  const bool sent =
      pidfd >= 0 && start_ticks(process.pid) == process.start_ticks && pidfd_kill(pidfd, signal);
  close(pidfd);
  return sent;
}

Json held_of(const std::string& what, const std::vector<Process>& processes) {
  Json held{
      {"kind", "frozen"}, {"what", what}, {"boot_id", boot_id()}, {"processes", Json::array()}};
  for (const Process& process : processes) {
    held["processes"].push_back({{"pid", process.pid}, {"start_ticks", process.start_ticks}});
  }
  return held;
}

char state_of(const Process& process) {
  const std::string state = stat_field(process.pid, 3);
  const bool gone = state.empty() || state == "Z" || state == "X" ||
                    start_ticks(process.pid) != process.start_ticks;
  return gone ? '-' : state[0];
}

std::vector<Process> processes_of(const std::string& container, const std::string& proc) {
  std::vector<Process> out;
  std::error_code ignored;
  for (const auto& item : std::filesystem::directory_iterator(proc, ignored)) {
    const int pid = std::atoi(item.path().filename().c_str());
    if (pid > 0 &&
        read_whole(item.path().string() + "/cgroup", 65536).value_or("").find(container) !=
            std::string::npos) {
      if (const Process found{pid, start_ticks(pid)}; state_of(found) != '-') {
        out.push_back(found);
      }
    }
  }
  return out;
}

Result<Deed> freeze(const std::string& what,
                    const std::function<std::vector<Process>()>& list,
                    const Means& means,
                    std::chrono::milliseconds limit) {
  const Deadline deadline = Deadline::after(limit);
  std::vector<Process> all;
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  for (;;) {
    // A process may have forked before it was stopped.
    const std::size_t known = all.size();
    for (const Process& process : list()) {
      if (std::ranges::find(all, process) == all.end()) {
        all.push_back(process);
      }
    }
    if (all.size() == known) {
      break;
    }
    if (deadline.passed()) {
      return fail(ErrorCode::remote_failed,
                  fmt::format("{} makes new processes faster than they are frozen", what));
    }
    TRY(means.note(held_of(what, all)), "keep what will be frozen");
    for (std::size_t i = known; i < all.size(); ++i) {
      static_cast<void>(signal_to(all[i], SIGSTOP));
    }
    static_cast<void>(waits_for(deadline, [&] { return std::ranges::all_of(all, settled); }));
  }
  deed.effect = now();
  return frozen(what, all, std::move(deed));
}

Result<Deed> freeze_container(const ArmRecord& record,
                              const ContainerWatch& containers,
                              const Means& means) {
  TRY_ASSIGN(const Container* target, running(record.action.pod, containers), "freeze");
  TRY_ASSIGN(Deed deed,
             freeze(
                 fmt::format("{} ({})", record.action.pod, target->id.substr(0, 12)),
                 [&] { return processes_of(target->id, means.proc); },
                 means),
             "freeze");
  // Not as "container": that is how a killed one is named.
  deed.evidence["frozen_container"] = target->id;
  deed.evidence["pod_uid"] = target->pod_uid;
  return deed;
}

Result<std::string> release_frozen(const Json& held) {
  const std::string what = json_string(held, "what");
  std::vector<Process> all;
  for (const Json& item : held.value("processes", Json(0))) {
    all.push_back({static_cast<int>(json_int(item, "pid")), json_int(item, "start_ticks")});
    if (all.back().pid <= 0 || all.back().start_ticks <= 0) {
      return fail(ErrorCode::invalid_input,
                  "what the record holds of frozen processes is damaged: they have no pid; look "
                  "for state T on the node");
    }
  }
  for (const Process& process : all) {
    static_cast<void>(signal_to(process, SIGCONT));
  }
  const auto runs = [](const Process& process) { return state_of(process) != 'T'; };
  if (!waits_for(Deadline::after(std::chrono::seconds(5)),
                 [&] { return std::ranges::all_of(all, runs); })) {
    const auto left = std::ranges::find_if_not(all, runs);
    return fail(ErrorCode::remote_failed,
                fmt::format("process {} of {} is still in state T after SIGCONT; `kill -CONT {}` "
                            "on the node",
                            left == all.end() ? 0 : left->pid,
                            what,
                            left == all.end() ? 0 : left->pid));
  }
  const auto gone = std::ranges::count_if(all, [](const Process& p) { return state_of(p) == '-'; });
  return fmt::format("{} of {} process{} of {} run again{}",
                     static_cast<std::int64_t>(all.size()) - gone,
                     all.size(),
                     all.size() == 1 ? "" : "es",
                     what,
                     gone == 0 ? "" : fmt::format(", {} ended meanwhile", gone));
}

}  // namespace harness::guard
