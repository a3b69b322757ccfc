#include "harness/inventory/inventory.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "harness/base/names.h"
#include "harness/base/seed.h"
#include "harness/inventory/fields.h"
#include "harness/yaml/reader.h"

namespace harness::inventory {
namespace fs = std::filesystem;

namespace {

using yaml::Problems;
using yaml::Reader;
using yaml::Value;

// Rules for targets in suites; a node of that name could not be told from them.
constexpr std::array<std::string_view, 4> kTargets = {
    "all", "each-server", "each-agent", "first-server"};

class Loader {
 public:
  Loader(std::string file, bool check_files)
      : file_(std::move(file)), check_files_(check_files), problems_(file_) {}

  Result<Inventory> load(const Value& root);

 private:
  void check_file(Reader& reader, std::string_view key, const std::string& path);
  Ssh read_ssh(const Value& value);
  Node read_node(const Value& value, const Ssh& cluster_ssh);
  void check_unique(const std::vector<const Value*>& values, const std::vector<Node>& nodes);

  const std::string file_;
  const bool check_files_;
  Problems problems_;
};

void Loader::check_file(Reader& reader, std::string_view key, const std::string& path) {
  std::error_code problem;
  if (check_files_ && !path.empty() && !fs::is_regular_file(path, problem)) {
    problems_.add(*reader.take(key), fmt::format("'{}': there is no file {}", key, path));
  }
}

Ssh Loader::read_ssh(const Value& value) {
  Reader reader(value, "ssh", problems_);
  Ssh ssh;
  ssh.user = reader.text("user");
  check_name(reader, "user", ssh.user, "._-");
  ssh.key = read_path(reader, "key", Need::optional);
  check_file(reader, "key", ssh.key);
  ssh.known_hosts = read_path(reader, "known_hosts", Need::required);
  check_file(reader, "known_hosts", ssh.known_hosts);
  ssh.port = static_cast<int>(reader.integer_or("port", 22, 1, 65535));
  ssh.jump = reader.text_or("jump", "");
  check_name(reader, "jump", ssh.jump, "._-@:[]");
  ssh.become_sudo = reader.choice_or("become", {"sudo", "none"}, "none") == "sudo";
  reader.finish();
  return ssh;
}

Node Loader::read_node(const Value& value, const Ssh& cluster_ssh) {
  Reader reader(value, "node", problems_);
  Node node;
  node.ssh = cluster_ssh;
  node.name = reader.text("name");
  check_name(reader, "name", node.name, "._-");
  if (node.name.starts_with('.') || std::ranges::find(kTargets, node.name) != kTargets.end()) {
    problems_.add(*reader.take("name"),
                  fmt::format("a node cannot be named '{}': names begin with no dot, and {} are "
                              "targets in suites",
                              node.name,
                              fmt::join(kTargets, ", ")));
  }
  node.address = reader.text("address");
  check_name(reader, "address", node.address, "._-:");
  node.ssh.port = static_cast<int>(reader.integer_or("port", cluster_ssh.port, 1, 65535));
  node.ssh.user = reader.text_or("user", cluster_ssh.user);
  check_name(reader, "user", node.ssh.user, "._-");
  const auto roles = reader.texts("roles", true);
  if (roles.size() != 1 || (roles[0] != "server" && roles[0] != "agent")) {
    const Value* where = reader.take("roles");
    problems_.add(
        where == nullptr ? value : *where,
        fmt::format("'roles' must be [server] or [agent], not [{}]", fmt::join(roles, ", ")));
  }
  node.server = !roles.empty() && roles[0] == "server";
  node.conditions = read_conditions(reader);
  reader.finish();
  return node;
}

void Loader::check_unique(const std::vector<const Value*>& values, const std::vector<Node>& nodes) {
  std::set<std::string> names;
  std::set<std::string> addresses;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!names.insert(nodes[i].name).second) {
      problems_.add(*values[i], fmt::format("a node named '{}' comes twice", nodes[i].name));
    }
    if (!addresses.insert(fmt::format("{} {}", nodes[i].address, nodes[i].ssh.port)).second) {
      problems_.add(
          *values[i],
          fmt::format(
              "two nodes have the address {} and port {}", nodes[i].address, nodes[i].ssh.port));
    }
  }
  if (!nodes.empty() && std::ranges::none_of(nodes, &Node::server)) {
    problems_.add(*values[0], "no node is a server");
  }
}

Result<Inventory> Loader::load(const Value& root) {
  Reader reader(root, "inventory", problems_);
  Inventory out;
  out.file = file_;
  out.cluster = reader.text("cluster");
  if (!out.cluster.empty() && !is_cluster_name(out.cluster)) {
    problems_.add(*reader.take("cluster"),
                  "'cluster': at most 64 letters, digits, dots, dashes and underscores are wanted, "
                  "a letter or digit first");
  }
  out.expendable = reader.boolean_or("expendable", false);
  Ssh ssh;
  if (const Value* value = reader.take("ssh")) {
    ssh = read_ssh(*value);
  } else {
    reader.text("ssh");
  }
  out.conditions = read_conditions(reader);
  const auto values = reader.items("nodes", true);
  for (const Value* value : values) {
    out.nodes.push_back(read_node(*value, ssh));
  }
  check_unique(values, out.nodes);
  if (const Value* value = reader.take("install")) {
    Reader install(*value, "install", problems_);
    out.install.method = install.choice_or("method", {"tarball"}, "tarball");
    out.install.artifacts = read_path(install, "artifacts", Need::required);
    install.finish();
  }
  if (const Value* value = reader.take("power")) {
    Reader power(*value, "power", problems_);
    out.power =
        Power{read_command(power, "off"), read_command(power, "on"), read_command(power, "state")};
    for (const char* key : {"off", "on", "state"}) {
      if (!power.has(key)) {
        problems_.add(*value,
                      fmt::format("'power' needs the key '{}': what cuts a node's power must also "
                                  "give it back, and say which it is",
                                  key));
      }
    }
    power.finish();
  }
  out.data_dir = reader.text_or("data_dir", out.data_dir);
  if (!is_plain_path(out.data_dir)) {
    problems_.add(*reader.take("data_dir"), "'data_dir' must be a plain absolute path");
  }
  reader.finish();
  TRY(problems_.status(), "inventory");
  return out;
}

}  // namespace

const Node* Inventory::find(std::string_view name) const {
  const auto found = std::ranges::find(nodes, name, &Node::name);
  return found == nodes.end() ? nullptr : &*found;
}

Conditions Inventory::conditions_of(const Node& node) const {
  Conditions out = conditions;
  out.insert(node.conditions.begin(), node.conditions.end());
  if (node.server) {
    const auto first = std::ranges::find_if(nodes, &Node::server);
    const bool began = first == nodes.end() || first->name == node.name;
    out.emplace(began ? kFirstServer : kJoiningServer);
  }
  return out;
}

Result<Inventory> parse(std::string_view text, const std::string& file, bool check_files) {
  TRY_ASSIGN(const Value root, yaml::parse(text, file), "inventory");
  TRY_ASSIGN(Inventory out, Loader(file, check_files).load(root), "read");
  out.digest = fmt::format("{:016x}", stable_hash(text));
  return out;
}

Result<Inventory> load(const std::string& path, bool check_files) {
  const auto text = yaml::read_text(path);
  if (!text) {
    return fail(ErrorCode::invalid_input,
                fmt::format("inventory {}; `hookshot lab up` writes one, "
                            "inventories/example.yaml is a start",
                            text.error().message()));
  }
  return parse(*text, path, check_files);
}

}  // namespace harness::inventory
