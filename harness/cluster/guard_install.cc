#include "harness/cluster/guard_install.h"

#include <algorithm>
#include <filesystem>
#include <random>

#include <fmt/format.h>

#include "harness/base/json.h"
#include "harness/base/log.h"
#include "harness/base/time.h"
#include "harness/guard/protocol.h"

namespace harness::cluster {
namespace {

constexpr const char* kPlain = "/usr/bin/env LC_ALL=C ";
constexpr const char* kFirstRecord =
    "-mindepth 2 -maxdepth 2 -name record.json -printf '%P\\n' -exec /bin/cat {} ';' -quit";
// The clocks may differ, so a lease counts as live a little longer than it is.
constexpr std::int64_t kSlackMs = 30'000;

bool is_missing(const exec::CommandResult& result) {
  return result.exit_status == 1 && result.err.find("No such file") != std::string::npos;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::string staging_name() {
  std::random_device device;
  return fmt::format(".hookshot-{:08x}{:08x}", device(), device());
}

std::string as_root(const Login& login, std::string_view command_line) {
  return fmt::format("{}{}{}", kPlain, login.become_sudo ? "sudo -n " : "", command_line);
}

GuardInstall::GuardInstall(NodeShell shell,
                           const Login& login,
                           const GuardBinary& guard,
                           std::string cluster)
    : shell_(std::move(shell)), login_(login), guard_(guard), cluster_(std::move(cluster)) {}

std::string GuardInstall::beside(std::string_view file) const {
  return (std::filesystem::path(guard_.path).parent_path() / file).string();
}

Result<std::string> GuardInstall::hash() const {
  TRY_ASSIGN(const exec::CommandResult result,
             shell_.run(as_root(login_, "/usr/bin/sha256sum " + guard_.path)),
             "check the guard");
  if (result.ok() && result.out.size() >= 64) {
    return result.out.substr(0, 64);
  }
  if (is_missing(result)) {
    return std::string();
  }
  return fail(root_problem(login_.node + ": check the guard", result, login_));
}

Status GuardInstall::check_lease() const {
  const std::string file = beside("lease.json");
  TRY_ASSIGN(const exec::CommandResult result,
             shell_.run(as_root(login_, "/bin/cat /proc/sys/kernel/random/boot_id " + file)),
             "see the lease");
  if (is_missing(result)) {
    return {};
  }
  if (!result.ok()) {
    return fail(
        root_problem(fmt::format("{}: see the lease {}", login_.node, file), result, login_));
  }
  const std::string boot = first_line(result.out);
  const Json lease =
      parse_json(result.out.substr(std::min(boot.size() + 1, result.out.size()))).value_or(Json());
  if (!lease.is_object()) {
    return fail(ErrorCode::refused,
                fmt::format("{}: the lease {} cannot be read, so a run may be at work there with "
                            "another build of hookshot; remove the file when none is",
                            login_.node,
                            file));
  }
  const std::int64_t age_ms = (wall_now_us() - json_int(lease, "renewed_wall_us")) / 1000;
  // The clock of a boot that is over ran ahead: nobody knows how old it is.
  const bool of_lost_time = age_ms < -kSlackMs && json_string(lease, "boot_id") != boot;
  if (of_lost_time || age_ms > json_int(lease, "ttl_ms") + kSlackMs) {
    return {};
  }
  return fail(ErrorCode::refused,
              fmt::format("{}: {} is at work there with another build of hookshot (lease renewed "
                          "{} s ago); wait for that run, or end it",
                          login_.node,
                          json_string(lease, "holder"),
                          std::max<std::int64_t>(age_ms, 0) / 1000));
}

// Its undo is this guard's: another build may not know the way back.
Status GuardInstall::check_nothing_armed() const {
  const std::string folder = beside("armed");
  TRY_ASSIGN(const exec::CommandResult listed,
             shell_.run(as_root(login_, "/bin/ls -1 " + folder)),
             "see what is armed");
  if (!listed.ok() && listed.err.find("No such file") == std::string::npos) {
    return fail(root_problem(login_.node + ": see what is armed in " + folder, listed, login_));
  }
  if (!listed.ok() || listed.out.empty()) {
    return {};
  }
  // The first that has a record, and that record: no name of the node's becomes part of a command.
  TRY_ASSIGN(const exec::CommandResult first,
             shell_.run(as_root(login_, fmt::format("/usr/bin/find {} {}", folder, kFirstRecord))),
             "see what is armed");
  const std::string id = first.out.substr(0, first.out.find('/'));
  Json record;
  if (first.ok() && guard::check_id("id", id)) {
    record = parse_json(first.out.substr(first.out.find('\n') + 1)).value_or(Json());
  }
  const std::string what = record.is_object()
                               ? fmt::format("record {} ({}) of run {} is armed there",
                                             id,
                                             json_string(record, "fault", "?"),
                                             json_string(record, "run", "?"))
                               : fmt::format("a record that cannot be read is in {}", folder);
  return fail(
      ErrorCode::refused,
      fmt::format("{}: {} by another build of hookshot, whose guard undoes it and is left in "
                  "place; `hookshot heal` of that build takes it back, and so does on the node "
                  "`echo '{{\"cluster\":\"{}\"}}' | {} heal`",
                  login_.node,
                  what,
                  cluster_,
                  guard_.path));
}

Status GuardInstall::check_machine(bool replaces) const {
  TRY_ASSIGN(const exec::CommandResult asked,
             shell_.run(fmt::format("{}/bin/uname -m", kPlain)),
             "ask for the node's machine");
  if (!asked.ok()) {
    return fail(
        root_problem(login_.node + ": ask for the node's machine (uname -m)", asked, login_));
  }
  const std::string machine = first_line(asked.out);
  if (machine == guard_.machine) {
    return {};
  }
  return fail(ErrorCode::not_supported,
              fmt::format("{}: this node is {}, and the guard of this hookshot is for {}; {}take "
                          "the node out of the inventory",
                          login_.node,
                          machine,
                          guard_.machine,
                          replaces ? "the one that is there is left alone; " : ""));
}

Status GuardInstall::put_there() const {
  const std::string staged = staging_name();
  const std::string_view bytes(reinterpret_cast<const char*>(guard_.bytes.data()),
                               guard_.bytes.size());
  TRY(shell_.put(bytes, staged), "");
  const auto installed = shell_.run(as_root(
      login_,
      fmt::format("/usr/bin/install -D -m 0700 -o root -g root {} {}", staged, guard_.path)));
  shell_.remove(staged);
  TRY(installed, "");
  return installed->ok()
             ? Status()
             : fail(root_problem(login_.node + ": install the guard", *installed, login_));
}

// What is below /var/lib, SELinux lets root run, but not systemd. The guard itself looks whether
// systemd can, before anything is armed.
Status GuardInstall::label() const {
  TRY_ASSIGN(const exec::CommandResult enforced,
             shell_.run(fmt::format("{}/bin/cat /sys/fs/selinux/enforce", kPlain)),
             "ask for SELinux");
  if (!enforced.ok() || !enforced.out.starts_with('1')) {
    return {};
  }
  const std::string label = "/usr/bin/chcon -t bin_t " + guard_.path;
  TRY_ASSIGN(const exec::CommandResult labelled,
             shell_.run(as_root(login_, label)),
             "label it for SELinux");
  if (!labelled.ok()) {
    log::warning(
        "{}; nothing can be armed on {} before `{}` was run there as root",
        root_problem(login_.node + ": label the guard for SELinux", labelled, login_).message(),
        login_.node,
        label);
  }
  return {};
}

Status GuardInstall::install(const std::function<Status()>& before_replacing) const {
  TRY_ASSIGN(const std::string there, hash(), "");
  if (there == guard_.sha256) {
    return {};
  }
  TRY(check_machine(!there.empty()), "install the guard");
  if (!there.empty()) {
    // One that serves somebody's run must not be taken from under it.
    TRY(check_lease(), "install the guard");
    TRY(check_nothing_armed(), "install the guard");
    TRY(before_replacing(), "install the guard");
    log::info("{}: a guard of another build is installed there; it is replaced", login_.node);
  }
  TRY(put_there(), "install the guard");
  return label();
}

}  // namespace harness::cluster
