#include "harness/lab/state.h"

#include <cstring>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace harness::lab {

namespace fs = std::filesystem;

namespace {

constexpr int kFormat = 1;

std::string read_file(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

Json to_json(const Record& record) {
  Json nodes = Json::array();
  for (const NodePlan& node : record.layout.nodes) {
    nodes.push_back({{"name", node.name}, {"role", node.role}, {"address", node.address}});
  }
  return {{"format", kFormat},
          {"name", record.layout.name},
          {"bridge", record.layout.bridge},
          {"gateway", record.layout.gateway},
          {"version", record.version},
          {"node_os", record.node_os},
          {"image", record.image.string()},
          {"artifacts", record.artifacts.string()},
          {"inventory", record.inventory.string()},
          {"token", record.token},
          {"nodes", nodes}};
}

Result<Record> record_from_json(const Json& json) {
  if (json_int(json, "format") != kFormat) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the lab's state is of format {}, this hookshot reads {}",
                            json_int(json, "format"),
                            kFormat));
  }
  Record record;
  record.layout.name = json_string(json, "name");
  record.layout.bridge = json_string(json, "bridge");
  record.layout.gateway = json_string(json, "gateway");
  record.version = json_string(json, "version");
  record.node_os = json_string(json, "node_os");
  record.image = json_string(json, "image");
  record.artifacts = json_string(json, "artifacts");
  record.inventory = json_string(json, "inventory");
  record.token = json_string(json, "token");
  TRY(check_name(record.layout.name), "the lab's state");
  if (!json.contains("nodes") || !json["nodes"].is_array()) {
    return fail(ErrorCode::invalid_input, "the lab's state has no list of nodes");
  }
  for (const Json& node : json["nodes"]) {
    record.layout.nodes.push_back(
        {json_string(node, "name"), json_string(node, "role"), json_string(node, "address")});
  }
  return record;
}

Status save(const Record& record, const fs::path& folder) {
  const fs::path fresh = folder / ".state.json";
  std::ofstream out(fresh);
  out << to_json(record).dump(2) << '\n';
  out.close();
  if (!out || std::rename(fresh.c_str(), (folder / "state.json").c_str()) != 0) {
    return fail(
        ErrorCode::not_supported,
        fmt::format(
            "{} cannot be written: {}", (folder / "state.json").string(), std::strerror(errno)));
  }
  return {};
}

Result<Record> load(const fs::path& folder) {
  std::error_code problem;
  if (!fs::exists(folder / "state.json", problem)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("there is no lab '{}'; raise it with: hookshot lab up --name {}",
                            folder.filename().string(),
                            folder.filename().string()));
  }
  TRY_ASSIGN(const Json json,
             parse_json(read_file(folder / "state.json")),
             (folder / "state.json").string());
  return record_from_json(json);
}

std::optional<std::string> parse_start_time(std::string_view stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) {
    return std::nullopt;
  }
  std::istringstream fields{std::string(stat.substr(name_end + 1))};
  std::string field;
  for (int number = 3; number <= 22; ++number) {
    if (!(fields >> field)) {
      return std::nullopt;
    }
  }
  return field;
}

std::optional<ProcessIdentity> parse_identity(std::string_view text) {
  std::istringstream in{std::string(text)};
  ProcessIdentity identity;
  if (!(in >> identity.pid >> identity.start_time) || identity.pid <= 1) {
    return std::nullopt;
  }
  return identity;
}

bool alive(const ProcessIdentity& process) {
  const std::string stat = read_file(fs::path("/proc") / std::to_string(process.pid) / "stat");
  const auto start = parse_start_time(stat);
  return start && *start == process.start_time && stat.find(") Z ") == std::string::npos;
}

std::string inventory_text(const Record& record, const fs::path& folder) {
  std::string text = fmt::format(
      "# Written by `hookshot lab up`, removed by `hookshot lab down`.\n"
      "cluster: {0}\n"
      "expendable: true\n"
      "ssh: {{user: rancher, key: \"{1}\", known_hosts: \"{2}\", port: 22, become: sudo}}\n"
      "nodes:\n",
      record.layout.name,
      (folder / "id_ed25519").string(),
      (folder / "known_hosts").string());
  for (const NodePlan& node : record.layout.nodes) {
    text += fmt::format(
        "  - {{name: {}, address: {}, roles: [{}]}}\n", node.name, node.address, node.role);
  }
  if (!record.artifacts.empty()) {
    text +=
        fmt::format("install: {{method: tarball, artifacts: \"{}\"}}\n", record.artifacts.string());
  }
  return text + "data_dir: /var/lib/rancher/rke2\n";
}

std::string known_hosts_text(const Layout& layout, const std::vector<std::string>& keys) {
  std::string text;
  for (std::size_t i = 0; i < layout.nodes.size() && i < keys.size(); ++i) {
    std::istringstream in(keys[i]);
    std::string kind;
    std::string key;
    in >> kind >> key;
    text += fmt::format("{},{} {} {}\n", layout.nodes[i].address, layout.nodes[i].name, kind, key);
  }
  return text;
}

}  // namespace harness::lab
