#include "harness/lab/cgroup.h"

#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "harness/base/eventually.h"

namespace harness::lab {

namespace fs = std::filesystem;

namespace {

constexpr int kSharesPerHundred =
    1024;  // version 1 counts from there where version 2 counts from 100

std::string read(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

Status write(const fs::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  out.flush();
  if (!out) {
    return fail(ErrorCode::not_supported, "cannot write " + file.string());
  }
  return {};
}

// Deepest first, the group itself last.
std::vector<fs::path> with_children(const fs::path& group) {
  std::vector<fs::path> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(group, ignored)) {
    if (entry.is_directory(ignored)) {
      const auto below = with_children(entry.path());
      out.insert(out.end(), below.begin(), below.end());
    }
  }
  out.push_back(group);
  return out;
}

int end_processes(const fs::path& group) {
  int found = 0;
  std::ifstream in(group / "cgroup.procs");
  for (pid_t pid = 0; in >> pid;) {
    ++found;
    if (pid > 1) {
      ::kill(pid, SIGKILL);
    }
  }
  return found;
}

Result<Observation> cleared(const std::vector<fs::path>& groups) {
  int processes = 0;
  int left = 0;
  for (const auto& group : groups) {
    std::error_code error;
    if (!fs::exists(group, error)) {
      continue;
    }
    for (const auto& each : with_children(group)) {
      const int found = end_processes(each);
      processes += found;
      if (found == 0) {
        fs::remove(each, error);
      }
    }
    left += fs::exists(group, error) ? 1 : 0;
  }
  return Observation{left == 0,
                     fmt::format("{} control groups, {} processes in them", left, processes)};
}

}  // namespace

std::string_view to_string(CgroupMode mode) {
  switch (mode) {
    case CgroupMode::v1:
      return "version 1";
    case CgroupMode::hybrid:
      return "version 1 with version 2 beside it";
    case CgroupMode::v2:
      return "version 2";
  }
  return "unknown";
}

Result<CgroupLayout> detect_cgroups(std::string_view mounts, std::string_view pid_1) {
  CgroupLayout layout;
  bool one = false;
  bool two = false;
  std::istringstream lines{std::string(mounts)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string source;
    std::string target;
    std::string type;
    words >> source >> target >> type;
    if (type != "cgroup" && type != "cgroup2") {
      continue;
    }
    one = one || type == "cgroup";
    two = two || type == "cgroup2";
    layout.hierarchies.emplace_back(target);
  }
  if (!one && !two) {
    return fail(ErrorCode::not_supported, "no control group hierarchy is mounted on this machine");
  }
  layout.mode = !one ? CgroupMode::v2 : two ? CgroupMode::hybrid : CgroupMode::v1;
  if (layout.mode == CgroupMode::v2) {
    layout.hierarchies.resize(1);
  }
  layout.scope = layout.mode == CgroupMode::v2 && pid_1.substr(0, pid_1.find('\n')) == "systemd";
  return layout;
}

Result<CgroupLayout> host_cgroups() {
  return detect_cgroups(read("/proc/mounts"), read("/proc/1/comm"));
}

std::string cgroup_name(std::string_view lab, std::string_view node) {
  return fmt::format("hookshot-{}-{}", lab, node);
}

std::vector<fs::path> node_cgroups(const CgroupLayout& layout,
                                   std::string_view lab,
                                   std::string_view node) {
  const std::string name = cgroup_name(lab, node);
  std::vector<fs::path> out;
  for (const auto& hierarchy : layout.hierarchies) {
    out.push_back(layout.scope ? hierarchy / "system.slice" / (name + ".scope") : hierarchy / name);
  }
  return out;
}

int cpu_weight(bool vm) {
  return vm ? 500 : 100;
}

Status make_cgroups(const std::vector<fs::path>& groups, int weight) {
  const std::pair<const char*, int> shares[] = {{"cpu.shares", weight / 100 * kSharesPerHundred},
                                                {"cpu.weight", weight}};
  for (const auto& group : groups) {
    std::error_code error;
    fs::create_directories(group, error);
    if (error) {
      return fail(ErrorCode::not_supported,
                  fmt::format("make control group {}: {}", group.string(), error.message()));
    }
    if (fs::exists(group / "cpuset.mems", error) &&
        fs::exists(group / "cgroup.clone_children", error)) {
      for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
        TRY(write(group / file, read(group.parent_path() / file)), "control group");
      }
      TRY(write(group / "cgroup.clone_children", "1"), "control group");
    }
    for (const auto& [file, share] : shares) {
      if (fs::exists(group / file, error)) {
        TRY(write(group / file, std::to_string(share)), "control group");
      }
    }
  }
  return {};
}

Status clear_cgroups(const std::vector<fs::path>& groups, Deadline deadline) {
  return eventually("end what runs in the node's control groups",
                    deadline,
                    std::chrono::milliseconds(20),
                    [&groups] { return cleared(groups); });
}

}  // namespace harness::lab
