#include "harness/lab/host.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/exec/local_runner.h"

namespace harness::lab {

namespace fs = std::filesystem;

namespace {

struct Program {
  const char* name;
  const char* package;
};

constexpr Program kPrograms[] = {{"systemd-nspawn", "systemd-container"},
                                 {"mmdebstrap", "mmdebstrap"},
                                 {"ip", "iproute2"},
                                 {"ssh", "openssh-client"},
                                 {"ssh-keygen", "openssh-client"},
                                 {"unshare", "util-linux"},
                                 {"zstd", "zstd"}};

bool in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((fs::path(folder) / program).c_str(), X_OK) == 0) {
      return true;
    }
  }
  return false;
}

bool debian_like(std::string_view os_release) {
  std::istringstream lines{std::string(os_release)};
  for (std::string line; std::getline(lines, line);) {
    line.erase(std::remove(line.begin(), line.end(), '"'), line.end());
    if (line == "ID=debian" || line == "ID=ubuntu" ||
        (line.starts_with("ID_LIKE=") && line.find("debian") != std::string::npos)) {
      return true;
    }
  }
  return false;
}

bool plain(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::strchr("-_+=./:,@%", c) != nullptr;
  });
}

}  // namespace

Status check_host(bool root,
                  std::string_view os_release,
                  CgroupMode cgroups,
                  const std::function<bool(const std::string&)>& has_program) {
  std::vector<std::string> missing;
  if (!root) {
    missing.emplace_back("root: run it with sudo");
  }
  if (!debian_like(os_release)) {
    missing.emplace_back("Debian or Ubuntu: node images are made by their package tools");
  }
  if (cgroups == CgroupMode::none) {
    missing.emplace_back("control groups: none are mounted");
  }
  for (const Program& program : kPrograms) {
    if (!has_program(program.name)) {
      missing.push_back(fmt::format("{}: apt-get install {}", program.name, program.package));
    }
  }
  if (missing.empty()) {
    return {};
  }
  return fail(ErrorCode::not_supported,
              fmt::format("this machine lacks what a lab needs\n  {}", fmt::join(missing, "\n  ")));
}

Status check_this_host() {
  return check_host(
      ::geteuid() == 0, read_text("/etc/os-release"), mode_of(hierarchies_here()), in_path);
}

std::vector<Hierarchy> hierarchies_here() {
  return parse_hierarchies(read_text("/proc/self/mountinfo"));
}

Result<std::string> must_run(const std::vector<std::string>& argv, std::chrono::seconds within) {
  exec::LocalRunner runner;
  const exec::Command command{argv};
  TRY_ASSIGN(const auto result, runner.run(command, Deadline::after(within)), "");
  if (!result.ok()) {
    return fail(
        ErrorCode::not_supported,
        fmt::format("{} failed ({}): {}", exec::describe(command), result.exit_status, result.err));
  }
  return result.out;
}

std::vector<std::string> ssh_words(const fs::path& folder, const NodePlan& node) {
  return {"ssh",
          "-F",
          "none",
          "-i",
          (folder / "id_ed25519").string(),
          "-o",
          "IdentitiesOnly=yes",
          "-o",
          "IdentityAgent=none",
          "-o",
          "BatchMode=yes",
          "-o",
          "StrictHostKeyChecking=yes",
          "-o",
          "GlobalKnownHostsFile=none",
          "-o",
          fmt::format("UserKnownHostsFile=\"{}\"", (folder / "known_hosts").string()),
          "-o",
          "ConnectTimeout=3",
          "-o",
          "LogLevel=ERROR",
          "rancher@" + node.address};
}

Result<exec::CommandResult> on_node(const fs::path& folder,
                                    const NodePlan& node,
                                    const std::vector<std::string>& words,
                                    std::chrono::seconds within) {
  exec::Command command{ssh_words(folder, node)};
  command.argv.insert(command.argv.end(), {"--", "sudo", "-n"});
  for (const std::string& word : words) {
    if (!plain(word)) {
      return fail(ErrorCode::internal,
                  fmt::format("'{}' is not a plain word for a node of the lab", word));
    }
    command.argv.push_back(word);
  }
  exec::LocalRunner runner;
  TRY_ASSIGN(auto result, runner.run(command, Deadline::after(within)), node.name);
  if (result.exit_status == 255) {
    return fail(ErrorCode::unreachable, fmt::format("{}: {}", node.name, result.err));
  }
  return result;
}

Result<LabLock> LabLock::take(const fs::path& labs, const std::string& name) {
  std::error_code problem;
  fs::create_directories(labs, problem);
  const fs::path file = labs / fmt::format(".{}.lock", name);
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail(ErrorCode::not_supported,
                fmt::format("{} cannot be made: {}", file.string(), std::strerror(errno)));
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return fail(ErrorCode::refused,
                fmt::format("another hookshot is raising or taking down lab '{}'", name));
  }
  return LabLock(fd);
}

LabLock::LabLock(LabLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

LabLock::~LabLock() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

std::string read_text(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

Status write_text(const fs::path& file, std::string_view text, int mode) {
  std::ofstream out(file);
  out << text;
  out.close();
  if (!out || ::chmod(file.c_str(), static_cast<mode_t>(mode)) != 0) {
    return fail(ErrorCode::not_supported,
                fmt::format("{} cannot be written: {}", file.string(), std::strerror(errno)));
  }
  return {};
}

bool supervised(const fs::path& node_folder) {
  const auto identity = parse_identity(read_text(node_folder / "supervisor"));
  return identity && alive(*identity);
}

}  // namespace harness::lab
