#include <csignal>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/eventually.h"
#include "harness/lab/host.h"
#include "harness/lab/machine.h"
#include "harness/lab/texts.h"

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

bool is_inventory_of(const Record& record) {
  return !record.inventory.empty() &&
         read_file(record.inventory).find(inventory_marker(record.name)) != std::string::npos;
}

// Processes in the control group of one of the nodes, or below it.
std::vector<std::string> processes_of(const Record& record, const fs::path& proc) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& process : fs::directory_iterator(proc, ignored)) {
    const std::string pid = process.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) {
      continue;  // /proc/net/stat is a folder
    }
    const std::string state = read_file(process.path() / "stat");
    if (state.find(") Z ") != std::string::npos) {
      continue;
    }
    const std::string groups = read_file(process.path() / "cgroup");
    for (const auto& node : record.plan.nodes) {
      const std::string name = "/" + cgroup_name(record.name, node.name);
      if (groups.find(name + "\n") != std::string::npos ||
          groups.find(name + "/") != std::string::npos ||
          groups.find(name + ".scope") != std::string::npos) {
        out.push_back("process " + pid + " of " + node.name);
        break;
      }
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> what_is_left(const Record& record,
                                      const fs::path& net,
                                      const fs::path& proc) {
  std::vector<std::string> out = processes_of(record, proc);
  std::error_code ignored;
  for (const auto& group : record.cgroups) {
    if (fs::exists(group, ignored)) {
      out.push_back("control group " + group.string());
    }
  }
  if (fs::exists(net / record.plan.bridge, ignored)) {
    out.push_back("bridge " + record.plan.bridge);
  }
  for (const auto& node : record.plan.nodes) {
    if (fs::exists(net / ("vb-" + node.machine), ignored)) {
      out.push_back("link vb-" + node.machine);
    }
  }
  if (is_inventory_of(record)) {
    out.push_back("inventory " + record.inventory.string());
  }
  if (read_file("/proc/mounts").find(lab_folder(record.name).string() + "/") != std::string::npos) {
    out.push_back("mounts below " + lab_folder(record.name).string());
  }
  if (fs::exists(lab_folder(record.name), ignored)) {
    out.push_back(lab_folder(record.name).string());
  }
  return out;
}

Result<bool> take_down(exec::CommandRunner& runner,
                       const Record& record,
                       const Progress& progress) {
  say(progress, fmt::format("taking lab {} down", record.name));
  end_supervisors(record);
  TRY(clear_cgroups(record.cgroups, Deadline::after(kClear)), "take lab down");
  TRY(remove_bridge(runner, record.plan), "take lab down");
  std::error_code error;
  if (is_inventory_of(record)) {
    fs::remove(record.inventory, error);
  }
  fs::remove_all(lab_folder(record.name), error);
  if (error) {
    return fail(ErrorCode::internal,
                fmt::format("remove {}: {}", lab_folder(record.name).string(), error.message()));
  }
  if (recorded_names().empty()) {
    TRY(restore_kernel_parameters(), "take lab down");
    remove_nspawn_folder();
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
