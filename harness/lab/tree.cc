#include "harness/lab/tree.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace harness::lab {

namespace fs = std::filesystem;

namespace {

// The control groups are mounted read-only inside; a plain remount of a v1 controller says "busy".
std::string unit_text(const Layout& layout, const NodePlan& node) {
  return fmt::format(
      "[Unit]\n"
      "Description=Address and control groups of a lab node\n"
      "DefaultDependencies=no\n"
      "After=local-fs.target\n"
      "Before=network-pre.target network.target network-online.target ssh.service\n\n"
      "[Service]\n"
      "Type=oneshot\n"
      "RemainAfterExit=yes\n"
      "ExecStart=ip link set lo up\n"
      "ExecStart=ip link set host0 up\n"
      "ExecStart=ip address replace {}/{} dev host0\n"
      "ExecStart=ip route replace default via {}\n"
      "ExecStart=-mount -o remount,rw /sys/fs/cgroup\n"
      "ExecStart=-sh -c 'for group in /sys/fs/cgroup/*/; do if mountpoint -q \"$group\"; then "
      "mount -o remount,rw,bind \"$group\"; fi; done'\n",
      node.address,
      kPrefixLength,
      layout.gateway);
}

std::string hosts_text(const Layout& layout) {
  std::string text = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
  for (const NodePlan& node : layout.nodes) {
    text += fmt::format("{} {}\n", node.address, node.name);
  }
  return text;
}

std::string config_text(const Record& record, const NodePlan& node) {
  std::string text =
      fmt::format("token: {}\nnode-ip: {}\nnode-name: {}\n", record.token, node.address, node.name);
  if (node.role == "agent") {
    return text + fmt::format("server: https://{}:9345\n", record.layout.nodes.front().address);
  }
  return text + fmt::format("tls-san: [{}]\nwrite-kubeconfig-mode: \"0600\"\n", node.address);
}

Status failed(const fs::path& path) {
  return fail(ErrorCode::not_supported,
              fmt::format("{} cannot be made: {}", path.string(), std::strerror(errno)));
}

Status make_folders(const fs::path& root, const fs::path& relative, int owner) {
  fs::path at = root;
  bool below_home = false;
  for (const fs::path& part : relative) {
    at /= part;
    if (::mkdir(at.c_str(), part == ".ssh" ? 0700 : 0755) != 0 && errno != EEXIST) {
      return failed(at);
    }
    below_home = below_home || part == "rancher" || part == "root";
    if (owner != 0 && below_home && ::lchown(at.c_str(), owner, owner) != 0) {
      return failed(at);
    }
  }
  return {};
}

}  // namespace

std::vector<TreeFile> node_tree(const Record& record,
                                const NodePlan& node,
                                const std::string& client_key) {
  std::vector<TreeFile> files{
      {"etc/hostname", node.name + "\n"},
      {"etc/hosts", hosts_text(record.layout)},
      {"etc/systemd/system/lab-node.service", unit_text(record.layout, node)},
      {"etc/systemd/system/multi-user.target.d/lab.conf", "[Unit]\nWants=lab-node.service\n"},
      {"home/rancher/.ssh/authorized_keys", client_key + "\n", 0600, kRancher},
  };
  if (!record.version.empty()) {
    files.push_back({"etc/rancher/rke2/config.yaml", config_text(record, node), 0600});
  }
  return files;
}

Status write_tree(const fs::path& root, const std::vector<TreeFile>& files) {
  for (const TreeFile& file : files) {
    TRY(make_folders(root, file.path.parent_path(), file.owner), "");
    const fs::path target = root / file.path;
    std::ofstream out(target);
    out << file.text;
    out.close();
    if (!out || ::chmod(target.c_str(), static_cast<mode_t>(file.mode)) != 0 ||
        ::chown(target.c_str(), file.owner, file.owner) != 0) {
      return failed(target);
    }
  }
  return {};
}

}  // namespace harness::lab
