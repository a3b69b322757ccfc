#include <csignal>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/eventually.h"
#include "harness/lab/host.h"
#include "harness/lab/machine.h"

namespace harness::lab {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kGrace{3};
constexpr std::chrono::seconds kClear{20};

void say(const Progress& progress, const std::string& text) {
  if (progress) {
    progress(text);
  }
}

bool end_supervisors(const Record& record) {
  bool any = false;
  for (const int signal : {SIGTERM, SIGKILL}) {
    bool left = false;
    for (const auto& node : record.plan.nodes) {
      if (const auto process = running_supervisor(record.name, node.name)) {
        any = left = true;
        ::kill(process->pid, signal);
      }
    }
    if (!left) {
      break;
    }
    static_cast<void>(eventually(
        "supervisors end", Deadline::after(kGrace), std::chrono::milliseconds(20), [&record] {
          int running = 0;
          for (const auto& node : record.plan.nodes) {
            running += running_supervisor(record.name, node.name) ? 1 : 0;
          }
          return Result<Observation>(Observation{running == 0, fmt::format("{} run", running)});
        }));
  }
  return any;
}

void remove_inventory(const Record& record) {
  std::error_code ignored;
  if (!record.inventory.empty() &&
      read_file(record.inventory).find(fmt::format("lab down --name {}`", record.name)) !=
          std::string::npos) {
    fs::remove(record.inventory, ignored);
  }
}

std::vector<std::string> what_is_left(const Record& record) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& group : record.cgroups) {
    if (fs::exists(group, ignored)) {
      out.push_back("control group " + group.string());
    }
  }
  if (fs::exists(fs::path("/sys/class/net") / record.plan.bridge, ignored)) {
    out.push_back("bridge " + record.plan.bridge);
  }
  if (read_file("/proc/mounts").find(lab_folder(record.name).string() + "/") != std::string::npos) {
    out.push_back("mounts below " + lab_folder(record.name).string());
  }
  if (fs::exists(lab_folder(record.name), ignored)) {
    out.push_back(lab_folder(record.name).string());
  }
  return out;
}

}  // namespace

Result<bool> take_down(exec::CommandRunner& runner,
                       const Record& record,
                       const Progress& progress) {
  say(progress, fmt::format("taking lab {} down", record.name));
  end_supervisors(record);
  TRY(clear_cgroups(record.cgroups, Deadline::after(kClear)), "take lab down");
  TRY(remove_bridge(runner, record.plan), "take lab down");
  remove_inventory(record);
  std::error_code error;
  fs::remove_all(lab_folder(record.name), error);
  if (error) {
    return fail(ErrorCode::internal,
                fmt::format("remove {}: {}", lab_folder(record.name).string(), error.message()));
  }
  if (recorded_names().empty()) {
    TRY(restore_kernel_parameters(), "take lab down");
  }
  const auto left = what_is_left(record);
  if (!left.empty()) {
    return fail(
        ErrorCode::internal,
        fmt::format("lab {} is down, but this is left: {}", record.name, fmt::join(left, ", ")));
  }
  return true;
}

}  // namespace harness::lab
