#include "harness/lab/node_files.h"

#include <chrono>
#include <fstream>
#include <random>
#include <sstream>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/lab/texts.h"

namespace harness::lab {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kQuick{20};

Status make_key(exec::CommandRunner& runner, const fs::path& file, const std::string& comment) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  TRY_ASSIGN(
      const auto result,
      runner.run({{"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file}},
                 Deadline::after(kQuick)),
      "ssh-keygen");
  if (!result.ok()) {
    return fail(ErrorCode::internal, "ssh-keygen: " + result.err);
  }
  return {};
}

std::string random_hex(std::size_t digits) {
  std::random_device random;
  std::string out;
  while (out.size() < digits) {
    out += fmt::format("{:08x}", random());
  }
  return out.substr(0, digits);
}

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

Owner user_of(const fs::path& image, const std::string& user) {
  std::istringstream lines(read_file(image / "etc/passwd"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(user + ":")) {
      Owner owner;
      if (std::sscanf(line.c_str() + user.size(), ":%*[^:]:%u:%u", &owner.uid, &owner.gid) == 2) {
        return owner;
      }
    }
  }
  return {};
}

Status authorize(const fs::path& home, unsigned home_mode, Owner owner, const std::string& key) {
  const fs::path folder = home / ".ssh";
  TRY(write_file(folder / "authorized_keys", key, 0600), "authorized key");
  bool good = ::chmod(folder.c_str(), 0700) == 0 && ::chmod(home.c_str(), home_mode) == 0;
  for (const fs::path& path : {home, folder, folder / "authorized_keys"}) {
    good = good && ::chown(path.c_str(), owner.uid, owner.gid) == 0;
  }
  return good ? Status{} : fail(ErrorCode::internal, "cannot own " + folder.string());
}

}  // namespace

Status make_client_key(exec::CommandRunner& runner, const Record& record) {
  return make_key(runner, lab_folder(record.name) / "id_ed25519", "hookshot-lab-" + record.name);
}

Status make_node_files(exec::CommandRunner& runner, const Record& record, const PlannedNode& node) {
  const fs::path folder = node_folder(record.name, node.name);
  const fs::path upper = folder / "upper";
  std::error_code error;
  for (const char* part : {"upper", "work", "root", "rancher"}) {
    if (node.vm && part != std::string_view("upper")) {
      continue;
    }
    fs::create_directories(folder / part, error);
    if (error) {
      return fail(ErrorCode::internal,
                  fmt::format("make {}: {}", (folder / part).string(), error.message()));
    }
  }
  TRY(write_file(upper / "etc/hostname", node.name + "\n"), "node");
  TRY(write_file(upper / "etc/hosts", hosts_text(record.plan)), "node");
  TRY(write_file(upper / "etc/locale.conf", "LANG=C.UTF-8\n"), "node");
  fs::create_directories(upper / "etc/default", error);
  fs::create_symlink("../locale.conf", upper / "etc/default/locale", error);
  // Empty, it would be a first boot, with all its presets.
  TRY(write_file(upper / "etc/machine-id", random_hex(32) + "\n", 0444), "node");
  TRY(write_file(upper / "etc/systemd/system/lab-node.service", node_unit_text(record.plan, node)),
      "node");
  fs::create_directories(upper / "etc/systemd/system/multi-user.target.wants", error);
  fs::create_symlink("../lab-node.service",
                     upper / "etc/systemd/system/multi-user.target.wants/lab-node.service",
                     error);
  TRY(write_file(upper / "etc/rancher/rke2/config.yaml", rke2_config_text(record, node), 0600),
      "node");

  const fs::path host_key = upper / "etc/ssh/ssh_host_ed25519_key";
  TRY(make_key(runner, host_key, node.name), "host key");
  std::ofstream known(lab_folder(record.name) / "known_hosts", std::ios::app);
  known << known_hosts_line(node, read_file(host_key.string() + ".pub")) << std::flush;
  if (!known) {
    return fail(ErrorCode::internal, "cannot write known_hosts");
  }
  const std::string key = read_file(lab_folder(record.name) / "id_ed25519.pub");
  TRY(authorize(upper / "root", 0700, {}, key), "node");
  const fs::path image = node.vm ? record.vm_image : record.image;
  TRY(authorize(upper / "home/rancher", 0755, user_of(image, "rancher"), key), "node");
  return {};
}

}  // namespace harness::lab
