#include "harness/guard/action_kill.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/base/time.h"

namespace harness::guard {
namespace {

bool ended(const Container& target) {
  return pidfd_wait(target.pidfd, std::chrono::milliseconds(0));
}

// What /proc says of the process after its pidfd has told its end.
void read_back(Deed& deed, const Container& target) {
  const std::string stat = read_whole(fmt::format("/proc/{}/stat", target.pid), 4096).value_or("");
  const std::size_t name_end = stat.rfind(')');
  const bool unreaped = name_end != std::string::npos && stat.size() > name_end + 2 &&
                        (stat[name_end + 2] == 'Z' || stat[name_end + 2] == 'X');
  const std::int64_t ticks = start_ticks(target.pid);
  deed.evidence["process_gone"] = ticks != target.start_ticks || unreaped;
  deed.evidence["read_back"] = ticks == 0                    ? "no such process"
                               : ticks != target.start_ticks ? "the pid is another process now"
                               : unreaped                    ? "ended, not yet reaped"
                                                             : "still there";
}

Result<Deed> kill_process(const ArmRecord& record,
                          const Container& target,
                          std::chrono::milliseconds limit) {
  Deed deed{.begun = now(), .effect = {}, .evidence = facts_of(target, "process")};
  if (!pidfd_kill(target.pidfd, SIGKILL)) {
    return fail(
        ErrorCode::remote_failed,
        fmt::format(
            "kill process {} of {}: {}", target.pid, record.action.pod, std::strerror(errno)));
  }
  const bool died = pidfd_wait(target.pidfd, limit);
  deed.effect = now();
  if (!died) {
    return fail(
        ErrorCode::remote_failed,
        fmt::format(
            "SIGKILL was sent, but process {} of {} lives on", target.pid, record.action.pod));
  }
  deed.evidence["summary"] = fmt::format("process {} of {} ({}) ended by SIGKILL",
                                         target.pid,
                                         record.action.pod,
                                         target.id.substr(0, 12));
  return with_read_back(std::move(deed), record, target);
}

Result<Deed> kill_shim(const ArmRecord& record,
                       const Container& target,
                       std::chrono::milliseconds limit) {
  const int shim = parent_of(target.pid);
  const std::string name = comm_of(shim);
  const std::int64_t ticks = start_ticks(shim);
  if (shim <= 1 || !name.starts_with("containerd-shi")) {
    return fail(ErrorCode::remote_failed,
                fmt::format("the parent of {} is process {} ({}), which is no containerd shim",
                            record.action.pod,
                            shim,
                            name));
  }
  const int pidfd = pidfd_open(shim);
  if (pidfd < 0 || start_ticks(shim) != ticks || parent_of(target.pid) != shim) {
    close(pidfd);
    return fail(ErrorCode::remote_failed,
                fmt::format("the shim of {} went away while it was looked for", record.action.pod));
  }
  Deed deed{.begun = now(), .effect = {}, .evidence = facts_of(target, "shim")};
  const Deadline deadline = Deadline::after(limit);
  const bool died = pidfd_kill(pidfd, SIGKILL) && pidfd_wait(pidfd, deadline.left());
  const Now shim_ended = now();
  close(pidfd);
  if (!died) {
    return fail(ErrorCode::remote_failed,
                fmt::format("shim {} of {} could not be killed", shim, record.action.pod));
  }
  const bool container_ended = pidfd_wait(target.pidfd, deadline.left());
  deed.effect = now();
  if (!container_ended) {
    return fail(ErrorCode::remote_failed,
                fmt::format("shim {} of {} was killed, but the container's process {} lives on",
                            shim,
                            record.action.pod,
                            target.pid));
  }
  deed.evidence["shim_pid"] = shim;
  deed.evidence["shim_ended"] = to_json(shim_ended);
  deed.evidence["container_ended"] = to_json(deed.effect);
  deed.evidence["summary"] =
      fmt::format("shim {} of {} ({}) ended by SIGKILL, and then the container's process {}",
                  shim,
                  record.action.pod,
                  target.id.substr(0, 12),
                  target.pid);
  return with_read_back(std::move(deed), record, target);
}

}  // namespace

Json facts_of(const Container& container, const std::string& how) {
  return {{"how", how},
          {"container", container.id},
          {"sandbox", container.sandbox},
          {"pod_uid", container.pod_uid},
          {"pid", container.pid},
          {"start_ticks", container.start_ticks}};
}

Result<Deed> with_read_back(Deed deed, const ArmRecord& record, const Container& target) {
  read_back(deed, target);
  if (deed.evidence["process_gone"] == true) {
    return deed;
  }
  return fail(ErrorCode::remote_failed,
              fmt::format("the end of process {} of {} was told, but /proc still has it",
                          target.pid,
                          record.action.pod));
}

Result<Deed> kill_sandbox(const ArmRecord& record,
                          const std::map<std::string, Container>& all,
                          const Container& target,
                          std::chrono::milliseconds limit) {
  const auto sandbox = all.find(target.sandbox);
  if (sandbox == all.end() || ended(sandbox->second)) {
    return fail(ErrorCode::remote_failed,
                fmt::format("the sandbox of {} ({}) had ended when the moment came",
                            record.action.pod,
                            target.sandbox.substr(0, 12)));
  }
  TRY_ASSIGN(Deed deed, kill_process(record, sandbox->second, limit), "sandbox");
  // Not as "container": that one lives on until kubelet ends it.
  deed.evidence["how"] = "sandbox";
  deed.evidence["sandbox"] = sandbox->first;
  deed.evidence["left_container"] = target.id;
  deed.evidence.erase("container");
  deed.evidence["summary"] = fmt::format("process {} of the sandbox of {} ({}) ended by SIGKILL",
                                         sandbox->second.pid,
                                         record.action.pod,
                                         sandbox->first.substr(0, 12));
  return deed;
}

Result<Deed> kill_container(const ArmRecord& record,
                            const Container& target,
                            std::chrono::milliseconds limit) {
  if (ended(target)) {
    return fail(ErrorCode::remote_failed,
                fmt::format("process {} of {} had ended by itself when the moment came",
                            target.pid,
                            record.action.pod));
  }
  if (record.action.how == "task") {
    return kill_task(record, target, limit);
  }
  return record.action.how == "shim" ? kill_shim(record, target, limit)
                                     : kill_process(record, target, limit);
}

}  // namespace harness::guard
