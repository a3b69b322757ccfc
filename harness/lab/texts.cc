#include "harness/lab/texts.h"

#include <fmt/format.h>

namespace harness::lab {

namespace fs = std::filesystem;

namespace {

const PlannedNode& first_server(const AddressPlan& plan) {
  return plan.nodes.front();
}

// The hierarchies of a container are mounted read-only.
constexpr const char* kOwnControlGroups =
    "ExecStart=-mount -o remount,rw /sys/fs/cgroup\n"
    "ExecStart=-sh -c 'for d in /sys/fs/cgroup/*/; do mountpoint -q \"$d\" && mount -o "
    "remount,rw,bind \"$d\"; done'\n";

// YAML in double quotes, for paths that may hold anything.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string inventory_marker(const std::string& lab) {
  return fmt::format("# Written by `hookshot lab up`; `hookshot lab down --name {}` removes it.\n",
                     lab);
}

std::filesystem::path inventory_path(const std::filesystem::path& wanted, const std::string& lab) {
  return std::filesystem::absolute(wanted.empty() ? fs::path("inventories") / (lab + ".yaml")
                                                  : wanted);
}

Status check_inventory(const std::filesystem::path& inventory, const std::string& lab) {
  std::error_code ignored;
  if (!std::filesystem::exists(inventory, ignored) ||
      read_file(inventory).find(inventory_marker(lab)) != std::string::npos) {
    return {};
  }
  return fail(
      ErrorCode::refused,
      fmt::format("{} is not an inventory of lab {}; move it away, or give another path with "
                  "--inventory",
                  inventory.string(),
                  lab));
}

std::string inventory_text(const Record& record, const fs::path& hookshot) {
  const std::filesystem::path folder = lab_folder(record.name);
  std::string out = inventory_marker(record.name);
  out += fmt::format(
      "cluster: {0}\n"
      "expendable: true\n"
      "ssh: {{user: rancher, key: {1}, known_hosts: {2}, port: 22, become: sudo}}\n"
      "nodes:\n",
      record.name,
      quoted(folder / "id_ed25519"),
      quoted(folder / "known_hosts"));
  for (const auto& node : record.plan.nodes) {
    out += fmt::format(
        "  - {{name: {}, address: {}, roles: [{}]}}\n", node.name, node.address, node.role);
  }
  if (!record.artifacts.empty()) {
    out += fmt::format("install: {{method: tarball, artifacts: {}}}\n", quoted(record.artifacts));
  }
  if (!hookshot.empty()) {
    const auto words = [&](const char* what) {
      return fmt::format("[{}, lab, power, --name, {}, \"{}\", \"{{name}}\"]",
                         quoted(hookshot),
                         record.name,
                         what);
    };
    out += fmt::format(
        "power:\n  off: {}\n  on: {}\n  state: {}\n", words("off"), words("on"), words("state"));
  }
  return out + "data_dir: /var/lib/rancher/rke2\n";
}

std::string rke2_config_text(const Record& record, const PlannedNode& node) {
  std::string out =
      fmt::format("token: {}\nnode-name: {}\nnode-ip: {}\n", record.token, node.name, node.address);
  if (record.cis) {
    out += "profile: cis\n";
  }
  if (node.name != first_server(record.plan).name) {
    out += fmt::format("server: https://{}:9345\n", first_server(record.plan).address);
  }
  return out;
}

std::string hosts_text(const AddressPlan& plan) {
  std::string out = "127.0.0.1 localhost\n::1 localhost\n";
  for (const auto& node : plan.nodes) {
    out += fmt::format("{} {}\n", node.address, node.name);
  }
  return out;
}

std::string node_unit_text(const AddressPlan& plan, const PlannedNode& node) {
  return fmt::format(
      "[Unit]\n"
      "Description=Address and control groups of a lab node\n"
      "DefaultDependencies=no\n"
      "After=local-fs.target\n"
      "Before=network-pre.target network.target network-online.target ssh.service\n"
      "\n"
      "[Service]\n"
      "Type=oneshot\n"
      "RemainAfterExit=yes\n"
      "ExecStart=ip link set lo up\n"
      "ExecStart=ip link set {0} up\n"
      "ExecStart=ip address replace {1}/24 dev {0}\n"
      "ExecStart=ip route replace default via {2}\n"
      "{3}"
      "\n"
      "[Install]\n"
      "WantedBy=multi-user.target\n",
      node.vm ? "eth0" : "host0",
      node.address,
      plan.gateway,
      node.vm ? "" : kOwnControlGroups);
}

std::string known_hosts_line(const PlannedNode& node, std::string_view public_key) {
  const auto type_end = public_key.find(' ');
  const auto key_end =
      public_key.find_first_of(" \n", type_end == std::string_view::npos ? type_end : type_end + 1);
  return fmt::format("{} {}\n", node.address, public_key.substr(0, key_end));
}

}  // namespace harness::lab
