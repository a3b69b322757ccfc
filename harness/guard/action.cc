#include "harness/guard/action.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "harness/guard/action_hold.h"
#include "harness/guard/signals.h"

namespace harness::guard {
namespace {

constexpr std::chrono::milliseconds kToolLimit{10'000};
// The controller's command may take its time; the node waits longer than the controller does.
constexpr std::chrono::seconds kPowerGoesWithin{90};
constexpr const char* kSysrq = "/proc/sysrq-trigger";
constexpr const char* kPanicWait = "/proc/sys/kernel/panic";

// A kernel that waits for ever after a panic would not come back.
Status check_can_panic() {
  if (access(kSysrq, W_OK) != 0 || !container_of(means_of()).value_or("").empty()) {
    return fail(ErrorCode::not_supported,
                "this node has no /proc/sysrq-trigger of its own, so its kernel cannot be made to "
                "panic");
  }
  const std::string wait = read_whole(kPanicWait, 64).value_or("0");
  return std::atoi(wait.c_str()) == 0 ? write_once(kPanicWait, "10") : Status();
}

Status panic(RecordState& state) {
  TRY(write_once(kSysrq, "c"), "panic of " + state.record.id);
  return fail(ErrorCode::remote_failed, "the kernel was asked to panic and did not");
}

// What ends it is that there is no power.
Status await_power_cut(const Store& store, const RecordState& state) {
  TRY(raise(store.places().run, Signal::moment, state.record.id), "tell the controller");
  const Deadline deadline = Deadline::after(kPowerGoesWithin);
  while (!deadline.passed()) {
    ::poll(nullptr, 0, static_cast<int>(deadline.left().count()));
  }
  return fail(ErrorCode::remote_failed,
              fmt::format("the power was not cut within {} s; see what the controller says of "
                          "`power.off`",
                          kPowerGoesWithin.count()));
}

Status hard_reboot(RecordState& state) {
  if (access(kSysrq, W_OK) == 0) {
    static_cast<void>(write_once(kSysrq, "b"));
  }
  ::reboot(RB_AUTOBOOT);
  return fail(ErrorCode::remote_failed,
              fmt::format("reboot of {}: {}", state.record.id, std::strerror(errno)));
}

}  // namespace

Result<Deed> kill_container(const ArmRecord& record, const ContainerWatch& containers) {
  TRY_ASSIGN(const Container* target, running(record.action.pod, containers), "kill");
  return record.action.how == "sandbox" ? kill_sandbox(record, containers.all(), *target)
                                        : kill_container(record, *target);
}

Result<const Container*> running(const std::string& pod, const ContainerWatch& containers) {
  if (const Container* found = containers.running(pod)) {
    return found;
  }
  return fail(ErrorCode::remote_failed,
              fmt::format("no running container of {} when the moment came", pod));
}

Error reboot(Store& store, RecordState& state) {
  const bool hard = state.record.action.how == "hard";
  const bool panics = state.record.action.how == "panic";
  const bool power = state.record.action.how == "power";
  if (panics) {
    if (Status can = check_can_panic(); !can) {
      return std::move(can).error();
    }
  }
  const bool sysrq = access(kSysrq, W_OK) == 0;
  const std::string means = panics  ? "sysrq c: a panic of the kernel"
                            : power ? "a power cut by the controller"
                            : !hard ? "systemctl reboot"
                            : sysrq ? "sysrq b"
                                    : "reboot(2) without sync, as this node has no sysrq";
  state.progress["state"] = "APPLYING";
  state.progress["evidence"] = {
      {"how", state.record.action.how}, {"means", means}, {"boot_id_before", boot_id()}};
  if (panics) {
    // Such a kernel writes its dump first, which may take minutes.
    state.progress["evidence"]["kdump"] =
        read_whole("/sys/kernel/kexec_crash_loaded", 8).value_or("").starts_with('1');
  }
  const Now before = now();
  state.progress["begun"] = to_json(before);
  state.progress["effect"] = to_json(before);
  // The next boot completes the record, and knows only what is on the disk.
  if (const Status saved = store.commit(state); !saved) {
    return saved.error();
  }
  if (power) {
    return await_power_cut(store, state).error();
  }
  if (hard || panics) {
    return (panics ? panic(state) : hard_reboot(state)).error();
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

bool ended_cleanly(std::string_view journal_end) {
  std::string_view last;
  while (!journal_end.empty()) {
    const std::size_t to = std::min(journal_end.find('\n'), journal_end.size());
    const std::string_view line = journal_end.substr(0, to);
    journal_end.remove_prefix(std::min(to + 1, journal_end.size()));
    last = line.empty() ? last : line;
    if (line == "Shutting down." || line.starts_with("Reached target shutdown.target") ||
        line.starts_with("Reached target reboot.target") ||
        line.starts_with("Reached target System Reboot")) {
      return true;
    }
  }
  // Earlier than at the very end it is the initrd's journal handing over.
  return last == "Journal stopped";
}

Result<std::string> journal_end_of(const std::string& boot) {
  std::string id = boot;
  std::erase(id, '-');
  TRY_ASSIGN(
      const Finished read,
      spawn({"journalctl", "--no-pager", "-q", "-b", id, "-n", "200", "-o", "cat"}, kToolLimit),
      "read the old boot's journal");
  if (read.ok() && !read.out.empty()) {
    return read.out;
  }
  return fail(ErrorCode::remote_failed,
              read.timed_out     ? "journalctl gave no answer in 10 s"
              : read.err.empty() ? "journalctl has nothing of boot " + id
                                 : "journalctl: " + read.err);
}

bool complete_reboot(RecordState& state, const JournalEnd& journal_end) {
  if (state.record.action.kind != Action::Kind::reboot || state.state() != "APPLYING" ||
      json_string(state.progress["evidence"], "boot_id_before") == boot_id()) {
    return false;
  }
  state.progress["state"] = "APPLIED";
  state.progress["outcome"] = "applied";
  state.progress["evidence"]["boot_id_after"] = boot_id();
  Json& evidence = state.progress["evidence"];
  const std::string before = json_string(evidence, "boot_id_before");
  const bool graceful = state.record.action.how == "graceful";
  const auto end = journal_end(before);
  std::string said;
  if (!end) {
    evidence["clean_shutdown"] = nullptr;
    evidence["clean_shutdown_means"] =
        "the old boot's journal is not there: " + end.error().message();
    said = "; whether it shut down cleanly is not known, as its old journal is not there";
  } else {
    const bool clean = ended_cleanly(*end);
    evidence["clean_shutdown"] = clean;
    evidence["clean_shutdown_means"] = "the last 200 lines of the old boot's journal";
    if (clean && state.record.action.how == "power") {
      evidence["disproof"] =
          "the node shut down in order, so its power was not cut: the inventory's `power.off` must "
          "cut it, not ask for a shutdown";
    }
    said = clean == graceful ? ""
           : graceful        ? "; its old journal does not end with a shutdown"
                             : "; its old journal ends with a clean shutdown";
  }
  evidence["summary"] = fmt::format("the node went down by {} and came back: boot {} is now {}{}",
                                    json_string(evidence, "means"),
                                    before.substr(0, 8),
                                    boot_id().substr(0, 8),
                                    said);
  return true;
}

}  // namespace harness::guard
