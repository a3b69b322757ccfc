// The boot unit of undo_units.h.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "harness/guard/action_hold.h"
#include "harness/guard/data_dir.h"
#include "harness/guard/undo_units.h"

namespace harness::guard {
namespace {

constexpr std::chrono::milliseconds kToolLimit{20'000};
constexpr std::size_t kMountsLimit = 16U << 20U;

// A mount of the network comes after network-pre.target itself, and a disk that is missing must not
// keep the network waiting.
constexpr const char* kBootUnitText =
    "[Unit]\n"
    "Description=Hookshot: take back what was armed when this node went down\n"
    "DefaultDependencies=no\n"
    "After={}\n"
    "Before={}rke2-server.service rke2-agent.service\n"
    "ConditionDirectoryNotEmpty=/var/lib/hookshot/armed\n"
    "ConditionFileIsExecutable=/var/lib/hookshot/guard\n"
    "\n"
    "[Service]\n"
    "Type=oneshot\n"
    "ExecStart=/var/lib/hookshot/guard boot\n"
    "TimeoutStartSec=30\n"
    "OOMScoreAdjust=-1000\n"
    "\n"
    "[Install]\n"
    "WantedBy=multi-user.target\n";

// "\040" is a space in mountinfo.
std::string unescaped(const std::string& text) {
  const auto octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && std::all_of(&text[i + 1], &text[i + 4], octal)) {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// As `systemd-escape --path --suffix=mount` has it.
std::string mount_unit(const std::string& mounted_at) {
  std::string out;
  for (std::size_t i = 1; i < mounted_at.size(); ++i) {
    const char c = mounted_at[i];
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == ':' || c == '_' ||
                       (c == '.' && i > 1);
    out += c == '/' ? "-"
           : plain  ? std::string(1, c)
                    : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return out + ".mount";
}

std::vector<std::string> mount_points(const std::string& mountinfo) {
  std::vector<std::string> out;
  std::istringstream lines(read_whole(mountinfo, kMountsLimit).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    for (int field = 1; field <= 5 && words >> word; ++field) {
    }
    out.push_back(unescaped(word));
  }
  return out;
}

// Where links lead, as far as there is something.
std::string real_path(const std::string& path) {
  std::error_code problem;
  const auto real = std::filesystem::weakly_canonical(path, problem);
  return problem ? path : real.string();
}

bool holds(const std::string& mounted_at, const std::string& path) {
  return mounted_at == "/" || path == mounted_at || path.starts_with(mounted_at + "/");
}

}  // namespace

std::vector<std::string> mount_units_of(const std::string& data_dir, const std::string& mountinfo) {
  const std::vector<std::string> all = mount_points(mountinfo);
  std::vector<std::string> out;
  for (const std::string& path :
       {std::string(kStateDir), data_dir, manifests_in(data_dir), data_dir + "/server/tls"}) {
    const std::string real = real_path(path);
    std::string deepest = "/";
    for (const std::string& mounted_at : all) {
      if (mounted_at.size() > deepest.size() && holds(mounted_at, real)) {
        deepest = mounted_at;
      }
    }
    if (const std::string unit = mount_unit(deepest);
        deepest != "/" && std::ranges::find(out, unit) == out.end()) {
      out.push_back(unit);
    }
  }
  return out;
}

std::string boot_unit_text(const std::vector<std::string>& mounts) {
  std::vector<std::string> after = {"local-fs.target"};
  after.insert(after.end(), mounts.begin(), mounts.end());
  return fmt::format(
      kBootUnitText, fmt::join(after, " "), mounts.empty() ? "network-pre.target " : "");
}

Status install_boot_unit(const std::string& units, const std::vector<std::string>& mounts) {
  const std::string file = units + "/" + kBootUnit;
  const std::string text = boot_unit_text(mounts);
  const bool changed = read_whole(file, 65536).value_or("") != text;
  if (changed) {
    TRY(write_durable(file, text, 0644), "install the boot unit");
  }
  const auto enabled = spawn({"systemctl", "is-enabled", kBootUnit}, kToolLimit);
  if (!enabled || !enabled->ok()) {
    // This reloads, too, which costs a busy node its time.
    TRY(asked(means_of(), {"systemctl", "enable", "--quiet", kBootUnit}), "install the boot unit");
  } else if (changed) {
    TRY(asked(means_of(), {"systemctl", "daemon-reload"}), "install the boot unit");
  }
  // Also when it was enabled before: by a guard, perhaps, that was ended right then.
  sync_directory(parent_directory(units + "/" + kBootLink));
  sync_directory(units);
  return {};
}

void remove_boot_unit(const std::string& units) {
  static_cast<void>(spawn({"systemctl", "disable", "--quiet", kBootUnit}, kToolLimit));
  for (const char* name : {kBootLink, kBootUnit}) {
    const std::string path = units + "/" + name;
    unlink(path.c_str());
    sync_directory(parent_directory(path));
  }
  static_cast<void>(spawn({"systemctl", "daemon-reload"}, kToolLimit));
}

}  // namespace harness::guard
