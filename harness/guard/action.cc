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

constexpr std::chrono::milliseconds kToolLimit{10'000};
constexpr const char* kSysrq = "/proc/sysrq-trigger";

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
  return kill_container(record, *target);
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
