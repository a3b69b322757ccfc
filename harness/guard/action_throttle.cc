#include "harness/guard/action_throttle.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace harness::guard {
namespace {

// What io.max says of the disk; empty: no limit.
std::string limit_of(const std::string& file, const std::string& disk) {
  std::istringstream lines(read_whole(file, 65536).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(disk + " ")) {
      return line.substr(disk.size() + 1);
    }
  }
  return {};
}

Result<std::string> limit_file(const Container& target,
                               const std::string& proc,
                               const std::string& cgroups) {
  const std::string text =
      read_whole(fmt::format("{}/{}/cgroup", proc, target.pid), 65536).value_or("");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0::/")) {
      std::string file = cgroups + line.substr(3) + "/io.max";
      if (there(file)) {
        return file;
      }
    }
  }
  return fail(ErrorCode::not_supported,
              fmt::format("{} has no cgroup v2 with the io controller; with v1 the kernel slows no "
                          "buffered write",
                          target.pod));
}

}  // namespace

Result<std::string> whole_disk(unsigned major, unsigned minor, const std::string& devices) {
  namespace fs = std::filesystem;
  const fs::path device = fs::path(devices) / fmt::format("{}:{}", major, minor);
  std::error_code problem;
  const fs::path real = fs::canonical(device, problem);
  if (major == 0 || problem) {
    return fail(ErrorCode::not_supported,
                fmt::format("device {}:{} is no block device of its own (overlay, tmpfs, btrfs or "
                            "zfs)",
                            major,
                            minor));
  }
  const fs::path disk = fs::exists(real / "partition", problem) ? real.parent_path() : real;
  TRY_ASSIGN(const std::string text, read_whole((disk / "dev").string(), 64), "disk");
  return text.substr(0, text.find('\n'));
}

Result<Deed> throttle_disk(const ArmRecord& record,
                           const Container& target,
                           const Means& means,
                           const std::string& cgroups,
                           const std::string& devices) {
  const std::string folder =
      record.action.pod == "etcd" ? record.data_dir + "/server/db" : record.data_dir;

  struct stat info {};

  if (stat(folder.c_str(), &info) != 0) {
    return fail(ErrorCode::remote_failed, fmt::format("{}: {}", folder, std::strerror(errno)));
  }
  TRY_ASSIGN(const std::string file, limit_file(target, means.proc, cgroups), "throttle");
  TRY_ASSIGN(
      const std::string disk, whole_disk(major(info.st_dev), minor(info.st_dev), devices), folder);
  if (const std::string own = limit_of(file, disk); !own.empty()) {
    return fail(ErrorCode::not_supported,
                fmt::format("{} has a limit of its own on {} ({}); it is left alone",
                            record.action.pod,
                            disk,
                            own));
  }
  const std::int64_t iops = record.action.amounts.at("iops");
  const std::string wanted = fmt::format("rbps=max wbps=max riops={} wiops={}", iops, iops);
  TRY(means.note({{"kind", "throttled"},
                  {"boot_id", boot_id()},
                  {"file", file},
                  {"disk", disk},
                  {"limit", wanted}}),
      "keep the limit");
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  TRY(write_once(file, fmt::format("{} {}", disk, wanted)), "throttle");
  deed.effect = now();
  const std::string after = limit_of(file, disk);
  if (after != wanted) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} was written to {}, but it says '{}'", wanted, file, after));
  }
  deed.evidence = {
      {"how", "throttle"},
      {"stretched", true},
      {"disk", disk},
      {"limit", after},
      {"file", file},
      {"summary", fmt::format("{} on disk {}: {}, read back", record.action.pod, disk, after)}};
  return deed;
}

Result<std::string> release_throttled(
    const Json& held,
    const Means&,
    const std::function<Status(const std::string& file, const std::string& text)>& write,
    const std::string& cgroups) {
  const std::string file = json_string(held, "file");
  const std::string disk = json_string(held, "disk");
  if (!check_path("file", file) || !file.starts_with(cgroups + "/") || !file.ends_with("/io.max")) {
    return fail(damaged("file",
                        file,
                        "is no io.max below " + cgroups,
                        "The limit is gone when the pod is made anew"),
                "take the limit away");
  }
  if (!there(file)) {
    return std::string("the cgroup is gone, and its limit with it");
  }
  const std::string current = limit_of(file, disk);
  if (current.empty()) {
    return fmt::format("{} has no limit in {}", disk, file);
  }
  if (current != json_string(held, "limit")) {
    return fmt::format(
        "{} has another limit in {} by now ({}): left as it is", disk, file, current);
  }
  TRY(write(file, disk + " rbps=max wbps=max riops=max wiops=max"), "take the limit away");
  if (const std::string after = limit_of(file, disk); !after.empty()) {
    return fail(ErrorCode::remote_failed, fmt::format("{} still limits {}: {}", file, disk, after));
  }
  return fmt::format("{} has no limit in {} any more", disk, file);
}

}  // namespace harness::guard
