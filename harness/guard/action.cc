#include "harness/guard/action.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/reboot.h>
#include <unistd.h>

namespace harness::guard {
namespace {

constexpr std::chrono::milliseconds kDeathLimit{15'000};
constexpr std::chrono::milliseconds kToolLimit{10'000};
constexpr const char* kContainerdSocket = "/run/k3s/containerd/containerd.sock";
constexpr const char* kSysrq = "/proc/sysrq-trigger";

Json facts_of(const Container& container, const std::string& how) {
  return {{"how", how},
          {"container", container.id},
          {"sandbox", container.sandbox},
          {"pod_uid", container.pod_uid},
          {"pid", container.pid},
          {"start_ticks", container.start_ticks}};
}

Result<Deed> kill_task(const ArmRecord& record, const Container& target) {
  const std::string ctr = find_program("ctr", record.data_dir);
  if (ctr.empty()) {
    return fail(ErrorCode::not_supported, "ctr is not on this node; use how=process");
  }
  Deed deed{.begun = now(), .effect = {}, .evidence = facts_of(target, "task")};
  const int none = open("/dev/null", O_RDWR | O_CLOEXEC);
  const int child = start({ctr,
                           "--address",
                           kContainerdSocket,
                           "-n",
                           "k8s.io",
                           "task",
                           "kill",
                           "--signal",
                           "SIGKILL",
                           target.id},
                          none,
                          none,
                          none);
  close(none);
  if (child < 0) {
    return fail(ErrorCode::remote_failed, fmt::format("start ctr: {}", std::strerror(errno)));
  }
  const bool died = pidfd_wait(target.pidfd, kDeathLimit);
  deed.effect = now();
  if (!died) {
    return fail(ErrorCode::remote_failed,
                fmt::format("ctr task kill was sent, but process {} of {} lives on",
                            target.pid,
                            record.action.pod));
  }
  deed.evidence["summary"] =
      fmt::format("task {} of {} killed through containerd: process {} ended",
                  target.id.substr(0, 12),
                  record.action.pod,
                  target.pid);
  return deed;
}

Result<Deed> kill_process(const ArmRecord& record, const Container& target) {
  Deed deed{.begun = now(), .effect = {}, .evidence = facts_of(target, "process")};
  if (!pidfd_kill(target.pidfd, SIGKILL)) {
    return fail(
        ErrorCode::remote_failed,
        fmt::format(
            "kill process {} of {}: {}", target.pid, record.action.pod, std::strerror(errno)));
  }
  const bool died = pidfd_wait(target.pidfd, kDeathLimit);
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
  return deed;
}

Result<Deed> kill_shim(const ArmRecord& record, const Container& target) {
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
  const bool sent = pidfd_kill(pidfd, SIGKILL);
  const bool died = sent && pidfd_wait(pidfd, kDeathLimit);
  deed.effect = now();
  close(pidfd);
  if (!died) {
    return fail(ErrorCode::remote_failed,
                fmt::format("shim {} of {} could not be killed", shim, record.action.pod));
  }
  deed.evidence["shim_pid"] = shim;
  deed.evidence["summary"] = fmt::format(
      "shim {} of {} ({}) ended by SIGKILL", shim, record.action.pod, target.id.substr(0, 12));
  return deed;
}

Status hard_reboot(RecordState& state) {
  if (access(kSysrq, W_OK) == 0) {
    const int fd = open(kSysrq, O_WRONLY | O_CLOEXEC);
    static_cast<void>(!write(fd, "b", 1));
    close(fd);
  }
  ::reboot(RB_AUTOBOOT);
  return fail(ErrorCode::remote_failed,
              fmt::format("reboot of {}: {}", state.record.id, std::strerror(errno)));
}

}  // namespace

Result<Deed> kill_container(const ArmRecord& record, const ContainerWatch& containers) {
  const Container* target = containers.running(record.action.pod);
  if (target == nullptr) {
    return fail(ErrorCode::remote_failed,
                fmt::format("no running container of {} when the moment came", record.action.pod));
  }
  if (record.action.how == "task") {
    return kill_task(record, *target);
  }
  return record.action.how == "shim" ? kill_shim(record, *target) : kill_process(record, *target);
}

Error reboot(Store& store, RecordState& state) {
  const bool hard = state.record.action.how == "hard";
  const bool sysrq = access(kSysrq, W_OK) == 0;
  const std::string means = !hard   ? "systemctl reboot"
                            : sysrq ? "sysrq b"
                                    : "reboot(2) without sync, as this node has no sysrq";
  state.progress["state"] = "APPLYING";
  state.progress["evidence"] = {
      {"how", state.record.action.how}, {"means", means}, {"boot_id_before", boot_id()}};
  const Now before = now();
  state.progress["begun"] = to_json(before);
  state.progress["effect"] = to_json(before);
  if (const Status saved = store.save(state); !saved) {
    return saved.error();
  }
  if (hard) {
    return hard_reboot(state).error();
  }
  const auto asked = spawn({"systemctl", "reboot", "--no-wall"}, kToolLimit);
  // The process is ended by the shutdown that it asked for; the next boot completes the record.
  if (asked && asked->ok()) {
    state.progress["effect"] = to_json(now());
    static_cast<void>(store.save(state));
    pause();
  }
  return Error(ErrorCode::remote_failed,
               "systemctl reboot: " + (asked ? asked->err : asked.error().message()));
}

bool complete_reboot(RecordState& state) {
  if (state.record.action.kind != Action::Kind::reboot || state.state() != "APPLYING" ||
      json_string(state.progress["evidence"], "boot_id_before") == boot_id()) {
    return false;
  }
  state.progress["state"] = "APPLIED";
  state.progress["outcome"] = "applied";
  state.progress["evidence"]["boot_id_after"] = boot_id();
  state.progress["evidence"]["summary"] =
      fmt::format("the node went down by {} and came back: boot {} is now {}",
                  json_string(state.progress["evidence"], "means"),
                  json_string(state.progress["evidence"], "boot_id_before").substr(0, 8),
                  boot_id().substr(0, 8));
  return true;
}

}  // namespace harness::guard
