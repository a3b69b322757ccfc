#include "harness/lab/host.h"

#include <chrono>
#include <cstdlib>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/lab/state.h"

namespace harness::lab {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kQuick{10};
constexpr const char* kPrograms[] = {
    "systemd-nspawn", "ip", "ssh", "ssh-keygen", "mmdebstrap", "unshare", "setsid", "ps", "zstd"};
constexpr const char* kVmPrograms[] = {"qemu-system-x86_64", "mke2fs"};
constexpr const char* kKernelParameters[] = {"vm/overcommit_memory",
                                             "vm/panic_on_oom",
                                             "kernel/panic",
                                             "kernel/panic_on_oops",
                                             "kernel/keys/root_maxkeys",
                                             "kernel/keys/root_maxbytes"};

bool in_path(std::string_view program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path != nullptr ? path : "") + ":/usr/sbin:/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.empty() && ::access((fs::path(folder) / program).c_str(), X_OK) == 0) {
      return true;
    }
  }
  return false;
}

fs::path saved_parameters() {
  return state_root() / "kernel-parameters.json";
}

fs::path nspawn_mark() {
  return state_root() / "made-nspawn-folder";
}

Status ip(exec::CommandRunner& runner, std::vector<std::string> words) {
  words.insert(words.begin(), "ip");
  TRY_ASSIGN(const auto result, runner.run({words}, Deadline::after(kQuick)), "ip");
  if (!result.ok()) {
    return fail(ErrorCode::not_supported, fmt::format("{}: {}", fmt::join(words, " "), result.err));
  }
  return {};
}

bool link_exists(const std::string& link) {
  std::error_code ignored;
  return fs::exists(fs::path("/sys/class/net") / link, ignored);
}

}  // namespace

std::vector<std::string> missing_on(bool root,
                                    std::string_view os_release,
                                    const std::vector<std::string>& programs) {
  std::vector<std::string> out;
  if (!root) {
    out.emplace_back("root (run it with sudo)");
  }
  bool debian = false;
  std::istringstream lines{std::string(os_release)};
  for (std::string line; std::getline(lines, line);) {
    debian =
        debian ||
        ((line.starts_with("ID=") || line.starts_with("ID_LIKE=")) &&
         (line.find("debian") != std::string::npos || line.find("ubuntu") != std::string::npos));
  }
  if (!debian) {
    out.emplace_back("Debian or Ubuntu (nodes are made from Debian packages)");
  }
  for (const auto& program : programs) {
    out.push_back(program + " (scripts/setup installs it)");
  }
  return out;
}

Status check_host() {
  std::vector<std::string> programs;
  for (const char* program : kPrograms) {
    if (!in_path(program)) {
      programs.emplace_back(program);
    }
  }
  const auto missing = missing_on(::geteuid() == 0, read_file("/etc/os-release"), programs);
  if (!missing.empty()) {
    return fail(
        ErrorCode::not_supported,
        fmt::format("this machine cannot hold a lab; missing: {}", fmt::join(missing, ", ")));
  }
  return {};
}

Status check_vm_host() {
  std::vector<std::string> missing;
  for (const char* program : kVmPrograms) {
    if (!in_path(program)) {
      missing.push_back(fmt::format("{} (scripts/setup installs it)", program));
    }
  }
  if (::access("/dev/net/tun", R_OK | W_OK) != 0) {
    missing.emplace_back("/dev/net/tun (the kernel's tun module)");
  }
  if (!missing.empty()) {
    return fail(ErrorCode::not_supported,
                fmt::format("this machine cannot hold a virtual machine; missing: {}",
                            fmt::join(missing, ", ")));
  }
  return {};
}

Status save_kernel_parameters() {
  std::error_code ignored;
  if (fs::exists(saved_parameters(), ignored)) {
    return {};
  }
  Json values = Json::object();
  for (const char* parameter : kKernelParameters) {
    std::string value = read_file(fs::path("/proc/sys") / parameter);
    value.erase(value.find_last_not_of('\n') + 1);
    if (!value.empty()) {
      values[parameter] = value;
    }
  }
  return write_file(saved_parameters(), values.dump(2) + "\n");
}

Status restore_kernel_parameters() {
  std::error_code ignored;
  if (!fs::exists(saved_parameters(), ignored)) {
    return {};
  }
  TRY_ASSIGN(const Json values, parse_json(read_file(saved_parameters())), "kernel parameters");
  for (const char* parameter : kKernelParameters) {
    const std::string value = json_string(values, parameter);
    const fs::path file = fs::path("/proc/sys") / parameter;
    if (std::string now = read_file(file);
        !value.empty() && now.substr(0, now.find('\n')) != value) {
      FILE* out = std::fopen(file.c_str(), "w");
      const bool good = out != nullptr && std::fputs(value.c_str(), out) >= 0;
      if ((out != nullptr && std::fclose(out) != 0) || !good) {
        return fail(ErrorCode::not_supported,
                    fmt::format("cannot put {} back to {}", file.string(), value));
      }
    }
  }
  fs::remove(saved_parameters(), ignored);
  return {};
}

Status make_nspawn_folder(const fs::path& folder) {
  std::error_code error;
  if (fs::exists(folder, error)) {
    return {};
  }
  TRY(write_file(nspawn_mark(), folder.string() + "\n"), "note of " + folder.string());
  fs::create_directories(folder, error);
  return error
             ? Status(fail(ErrorCode::internal, "make " + folder.string() + ": " + error.message()))
             : Status();
}

void remove_nspawn_folder(const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(nspawn_mark(), ignored)) {
    ::rmdir(folder.c_str());
    fs::remove(nspawn_mark(), ignored);
  }
}

Status make_bridge(exec::CommandRunner& runner, const AddressPlan& plan) {
  TRY(ip(runner, {"link", "add", plan.bridge, "address", plan.bridge_mac, "type", "bridge"}),
      "make the lab's bridge");
  TRY(ip(runner, {"address", "add", plan.host_address + "/24", "dev", plan.bridge}),
      "make the lab's bridge");
  TRY(ip(runner, {"link", "set", plan.bridge, "up"}), "make the lab's bridge");
  return {};
}

Result<bool> remove_bridge(exec::CommandRunner& runner, const AddressPlan& plan) {
  for (const auto& node : plan.nodes) {
    if (const std::string link = "vb-" + node.machine; link_exists(link)) {
      // It also goes by itself, with the machine's network namespace, a moment after its last
      // process.
      const Status removed = ip(runner, {"link", "delete", link});
      if (!removed && link_exists(link)) {
        return fail(Error(removed.error()).prepend("remove the node's link"));
      }
    }
  }
  if (!link_exists(plan.bridge)) {
    return false;
  }
  TRY(ip(runner, {"link", "delete", plan.bridge}), "remove the lab's bridge");
  return true;
}

Result<std::set<int>> used_subnets(exec::CommandRunner& runner) {
  TRY_ASSIGN(const auto result,
             runner.run({{"ip", "-o", "-4", "address"}}, Deadline::after(kQuick)),
             "ip");
  return subnets_in(result.out);
}

}  // namespace harness::lab
