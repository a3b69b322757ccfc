#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/time.h"
#include "harness/guard/action_hold.h"
#include "harness/guard/kernel_parts.h"
#include "harness/guard/unit_proof.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

constexpr std::array<const char*, 9> kTools = {
    "systemctl", "systemd-run", "journalctl", "ctr", "nft", "tc", "openssl", "sha256sum", "tar"};
constexpr std::size_t kReadLimit = 8U << 20U;

std::string first_line_of(const std::vector<std::string>& argv) {
  const auto finished = spawn(argv, std::chrono::seconds(10));
  return finished && finished->ok() ? finished->out.substr(0, finished->out.find('\n')) : "";
}

std::string os_name() {
  const std::string text = read_whole("/etc/os-release", 65536).value_or("");
  const std::size_t at = text.find("PRETTY_NAME=\"");
  return at == std::string::npos ? "" : text.substr(at + 13, text.find('"', at + 13) - at - 13);
}

std::int64_t free_kb(const char* path) {
  struct statvfs info {};

  return statvfs(path, &info) == 0
             ? static_cast<std::int64_t>(info.f_bavail * (info.f_frsize / 1024))
             : -1;
}

// A container has its host's.
bool own_clock() {
  const auto container = container_of(means_of());
  return container && container->empty();
}

bool io_limits() {
  const std::string all = read_whole("/sys/fs/cgroup/cgroup.controllers", 4096).value_or("");
  return (" " + all).find(" io") != std::string::npos;
}

}  // namespace

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      word = word << 8U | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += i + k <= bytes.size() ? kLetters[word >> (18U - 6U * k) & 63U] : '=';
    }
  }
  return out;
}

Result<std::string> from_base64(std::string_view text) {
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t word = 0;
  unsigned bits = 0;
  while (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  for (const char c : text) {
    const std::size_t value = kLetters.find(c);
    if (value == std::string_view::npos) {
      return fail(ErrorCode::invalid_input, "input_b64 is not base64");
    }
    word = word << 6U | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(word >> bits & 255U);
    }
  }
  return out;
}

Status verb_facts(const Store& store, const Json& record) {
  const std::string data_dir = json_string(record, "data_dir", "/var/lib/rancher/rke2");
  TRY(check_path("data_dir", data_dir), "facts");
  Json tools = Json::object();
  for (const char* tool : kTools) {
    tools[tool] = !find_program(tool, data_dir).empty();
  }
  utsname names{};
  uname(&names);
  std::string machine = read_whole("/etc/machine-id", 64).value_or("");
  const Now stamp = now();
  Json facts = {{"type", "facts"},
                {"boot_id", boot_id()},
                {"hostname", std::string(names.nodename)},
                {"kernel", std::string(names.release)},
                {"os", os_name()},
                {"systemd", first_line_of({"systemctl", "--version"})},
                {"allow", allowed_cluster()},
                {"tools", tools},
                {"sysrq", access("/proc/sysrq-trigger", W_OK) == 0},
                {"own_clock", own_clock()},
                {"io_limits", io_limits()},
                {"guard_sha256", first_line_of({"sha256sum", "/proc/self/exe"}).substr(0, 64)},
                {"quarantine", store.quarantined()},
                {"free_kb", {{"/var/lib", free_kb("/var/lib")}, {"/run", free_kb("/run")}}},
                {"machine_id", machine.substr(0, 32)},
                {"node_wall_us", stamp.wall_us},
                {"node_mono_us", stamp.mono_us}};
  if (json_bool(record, "kernel_parts")) {
    facts["kernel_parts"] = kernel_parts(KernelPlaces::of_this_kernel(), means_of());
    const Status runs = check_units_run(store.places().run);
    facts["unit_problem"] = runs ? "" : runs.error().message();
  }
  emit(facts);
  return {};
}

Status verb_allow(const Json& record) {
  const std::string cluster = json_string(record, "cluster");
  TRY(check_cluster(cluster), "allow");
  const std::string marker = allowed_cluster();
  if (!marker.empty() && marker != cluster) {
    return fail(
        ErrorCode::refused,
        fmt::format("this node is marked for cluster '{}'; remove {} on it if that is wrong",
                    marker,
                    kAllowFile));
  }
  TRY(write_durable(std::string(kAllowFile), cluster + "\n", 0644), "allow");
  audit("this node is marked as expendable for cluster " + cluster);
  emit({{"type", "allowed"}, {"cluster", cluster}});
  return {};
}

Status verb_disallow(const Json& record) {
  TRY(check_allowed(json_string(record, "cluster")), "disallow");
  unlink(std::string(kAllowFile).c_str());
  emit({{"type", "disallowed"}, {"cluster", json_string(record, "cluster")}});
  return {};
}

Status verb_read(const Json& record) {
  const std::string path = json_string(record, "path");
  TRY(check_path("path", path), "read");
  TRY_ASSIGN(const std::string text, read_whole(path, kReadLimit), "read");

  struct stat info {};

  stat(path.c_str(), &info);
  emit({{"type", "file"},
        {"b64", base64(text)},
        {"mode", info.st_mode & 07777U},
        {"size", text.size()}});
  return {};
}

}  // namespace harness::guard
