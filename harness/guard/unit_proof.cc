#include "harness/guard/unit_proof.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/guard/system.h"

namespace harness::guard {
namespace {

constexpr std::chrono::milliseconds kTryLimit{30'000};
// systemd's own exit statuses of a program that it could not start (systemd.exec(5)).
constexpr int kNotStarted = 200;
constexpr int kNotStartedLast = 245;
constexpr int kNotExecuted = 203;

bool enforcing(const GuardFile& guard) {
  return read_whole(guard.enforce, 16).value_or("").starts_with('1');
}

// Empty: there is no such file. A new label shows in the time of its last change.
std::string key_of(const GuardFile& guard) {
  struct stat info {};

  if (stat(guard.path.c_str(), &info) != 0) {
    return {};
  }
  return fmt::format("{} {}:{} {}.{:09} {}.{:09} {}",
                     boot_id(),
                     info.st_dev,
                     info.st_ino,
                     info.st_mtim.tv_sec,
                     info.st_mtim.tv_nsec,
                     info.st_ctim.tv_sec,
                     info.st_ctim.tv_nsec,
                     enforcing(guard) ? "enforcing" : "");
}

std::string remedy(const std::string& unit, const GuardFile& guard) {
  if (!enforcing(guard)) {
    return fmt::format("`journalctl -u {}` on the node says why", unit);
  }
  return fmt::format(
      "SELinux is enforcing: run `chcon -t bin_t {0}` on the node as root; `semanage fcontext -a "
      "-t bin_t {0}` makes it stay",
      guard.path);
}

Status try_it(const std::string& unit, const GuardFile& guard) {
  TRY_ASSIGN(const Finished ended, spawn(proof_command(unit, guard), kTryLimit), "systemd-run");
  // As `guard` ends that is asked for no verb; an older systemd-run passes it on all the same.
  const bool ran = ended.ok() || ended.status == static_cast<int>(GuardExit::invalid);
  if (ran && !ended.timed_out && ended.signal == 0) {
    return {};
  }
  if (ended.timed_out || ended.status < kNotStarted || ended.status > kNotStartedLast) {
    return fail(ErrorCode::remote_failed,
                fmt::format("whether systemd can run {}, which undoes everything, cannot be said: "
                            "its unit {}: {}",
                            guard.path,
                            unit,
                            ended.timed_out     ? "no answer in 30 s"
                            : ended.err.empty() ? fmt::format("exit status {}", ended.status)
                                                : one_line(ended.err)));
  }
  return fail(
      ErrorCode::not_supported,
      fmt::format("systemd cannot run {}, so that nothing would be undone: its unit {} ended with "
                  "{}{}; {}",
                  guard.path,
                  unit,
                  ended.status,
                  ended.status == kNotExecuted ? "/EXEC" : "",
                  remedy(unit, guard)));
}

}  // namespace

std::vector<std::string> proof_command(const std::string& unit, const GuardFile& guard) {
  return {"systemd-run",
          "--quiet",
          "--wait",
          "--collect",
          "--unit=" + unit,
          "--property=RuntimeMaxSec=20s",
          fmt::format("--property=SuccessExitStatus={}", static_cast<int>(GuardExit::invalid)),
          "--property=StandardOutput=null",
          guard.path,
          "proof"};
}

Status check_units_run(const std::string& run, const GuardFile& guard) {
  const std::string file = run + "/units-run";
  const std::string key = key_of(guard);
  if (!key.empty() && read_whole(file, 4096).value_or("") == key) {
    return {};
  }
  TRY(try_it(fmt::format("hookshot-proof-{}", getpid()), guard), "try a unit");
  if (!key.empty() && there(run)) {
    static_cast<void>(write_whole(file, key, Sync::later));
  }
  return {};
}

}  // namespace harness::guard
