#include "harness/lab/power.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include "harness/base/eventually.h"
#include "harness/exec/unique_fd.h"
#include "harness/lab/machine.h"
#include "harness/lab/state.h"

namespace harness::lab {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kEnds{20};
constexpr std::chrono::milliseconds kLook{2};

struct Found {
  Record record;
  PlannedNode node;
};

Result<Found> find(const std::string& name, const std::string& node) {
  TRY_ASSIGN(std::optional<Record> record, read_record(name), "lab");
  if (!record) {
    return fail(ErrorCode::invalid_input,
                fmt::format("there is no lab '{}' of this user (labs are root's)", name));
  }
  const auto found = std::ranges::find(record->plan.nodes, node, &PlannedNode::name);
  if (found == record->plan.nodes.end()) {
    return fail(ErrorCode::invalid_input, fmt::format("lab {} has no node '{}'", name, node));
  }
  return Found{*record, *found};
}

// Two commands never work on one node.
Result<exec::UniqueFd> claim(const Found& of) {
  const fs::path folder = node_folder(of.record.name, of.node.name);
  exec::UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::flock(fd.get(), LOCK_EX) != 0) {
    return fail(ErrorCode::internal,
                fmt::format("lock {}: {}", folder.string(), std::strerror(errno)));
  }
  return fd;
}

// In the node's control groups and below.
int processes_of(const Found& of) {
  int out = 0;
  const std::string own = cgroup_name(of.record.name, of.node.name);
  for (const fs::path& group : of.record.cgroups) {
    const std::string name = group.filename().string();
    if (name != own && name != own + ".scope") {
      continue;
    }
    std::error_code ignored;
    const auto count = [&](const fs::path& folder) {
      const std::string text = read_file(folder / "cgroup.procs");
      out += static_cast<int>(std::ranges::count(text, '\n'));
    };
    count(group);
    for (fs::recursive_directory_iterator at(group, ignored), end; !ignored && at != end;
         at.increment(ignored)) {
      if (at->is_directory(ignored)) {
        count(at->path());
      }
    }
  }
  return out;
}

}  // namespace

Result<bool> power_state(const std::string& name, const std::string& node) {
  TRY_ASSIGN(const Found of, find(name, node), "lab power");
  return running_supervisor(of.record.name, of.node.name).has_value();
}

Status power_off(const std::string& name, const std::string& node) {
  TRY_ASSIGN(const Found of, find(name, node), "lab power");
  TRY_ASSIGN(const exec::UniqueFd held, claim(of), "lab power");
  if (const auto process = running_supervisor(name, node)) {
    // It kills the machine's first process, and the kernel then all that is in the machine.
    ::kill(process->pid, SIGTERM);
  }
  return eventually("the power of " + node + " is off", Deadline::after(kEnds), kLook, [&] {
    const bool runs = running_supervisor(name, node).has_value();
    const int left = runs ? 1 : processes_of(of);
    return Result<Observation>(Observation{
        .done = left == 0,
        .seen = runs ? "its supervisor runs" : fmt::format("{} process(es) left", left)});
  });
}

Status power_on(exec::CommandRunner& runner, const std::string& name, const std::string& node) {
  TRY_ASSIGN(const CgroupLayout layout, host_cgroups(), "lab power");
  return power_on(runner, name, node, layout);
}

Status power_on(exec::CommandRunner& runner,
                const std::string& name,
                const std::string& node,
                const CgroupLayout& layout) {
  TRY_ASSIGN(const Found of, find(name, node), "lab power");
  TRY_ASSIGN(const exec::UniqueFd held, claim(of), "lab power");
  if (running_supervisor(name, node)) {
    return {};
  }
  // Its word that it runs must be the new one's.
  std::error_code ignored;
  fs::remove(node_folder(name, node) / "supervisor", ignored);
  return start_machine(runner, of.record, of.node, layout);
}

fs::path power_program() {
  std::error_code problem;
  const fs::path self = fs::read_symlink("/proc/self/exe", problem);
  if (!problem && self.filename() == "hookshot") {
    return self;
  }
  const fs::path built = HOOKSHOT_PROGRAM_BUILT;
  return fs::exists(built, problem) ? built : fs::path();
}

}  // namespace harness::lab
