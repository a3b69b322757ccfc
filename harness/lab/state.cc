#include "harness/lab/state.h"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/state_home.h"

namespace harness::lab {

namespace fs = std::filesystem;

namespace {

constexpr int kStartTimeField = 19;  // counted behind the program's name

Json to_json(const AddressPlan& plan) {
  Json nodes = Json::array();
  for (const auto& node : plan.nodes) {
    nodes.push_back({{"name", node.name},
                     {"role", node.role},
                     {"address", node.address},
                     {"machine", node.machine},
                     {"vm", node.vm}});
  }
  return {{"subnet", plan.subnet},
          {"bridge", plan.bridge},
          {"bridge_mac", plan.bridge_mac},
          {"host_address", plan.host_address},
          {"gateway", plan.gateway},
          {"nodes", std::move(nodes)}};
}

Result<AddressPlan> plan_from_json(const Json& json) {
  AddressPlan plan;
  plan.subnet = static_cast<int>(json_int(json, "subnet"));
  plan.bridge = json_string(json, "bridge");
  plan.bridge_mac = json_string(json, "bridge_mac");
  plan.host_address = json_string(json, "host_address");
  plan.gateway = json_string(json, "gateway");
  for (const auto& each : json.value("nodes", Json::array())) {
    PlannedNode node{json_string(each, "name"),
                     json_string(each, "role"),
                     json_string(each, "address"),
                     json_string(each, "machine"),
                     json_bool(each, "vm")};
    TRY(check_lab_name(node.name), "node");
    plan.nodes.push_back(std::move(node));
  }
  if (plan.bridge.empty() || plan.nodes.empty()) {
    return fail(ErrorCode::internal, "the record names no bridge or no nodes");
  }
  return plan;
}

}  // namespace

fs::path state_root() {
  return state_home() / "lab";
}

fs::path lab_folder(const std::string& name) {
  return state_root() / name;
}

fs::path node_folder(const std::string& lab, const std::string& node) {
  return lab_folder(lab) / "nodes" / node;
}

Json to_json(const Record& record) {
  Json cgroups = Json::array();
  for (const auto& group : record.cgroups) {
    cgroups.push_back(group.string());
  }
  return {{"name", record.name},
          {"phase", record.phase},
          {"version", record.version},
          {"node_os", record.node_os},
          {"token", record.token},
          {"cis", record.cis},
          {"plan", to_json(record.plan)},
          {"image", record.image.string()},
          {"vm_image", record.vm_image.string()},
          {"artifacts", record.artifacts.string()},
          {"inventory", record.inventory.string()},
          {"cgroups", std::move(cgroups)}};
}

Result<Record> record_from_json(const Json& json) {
  if (!json.is_object()) {
    return fail(ErrorCode::internal, "the record is no JSON object");
  }
  Record record;
  record.name = json_string(json, "name");
  TRY(check_lab_name(record.name), "record");
  record.phase = json_string(json, "phase");
  record.version = json_string(json, "version");
  record.node_os = json_string(json, "node_os");
  record.token = json_string(json, "token");
  record.cis = json_bool(json, "cis");
  record.image = json_string(json, "image");
  record.vm_image = json_string(json, "vm_image");
  record.artifacts = json_string(json, "artifacts");
  record.inventory = json_string(json, "inventory");
  TRY_ASSIGN(record.plan, plan_from_json(json.value("plan", Json::object())), "record");
  for (const auto& group : json.value("cgroups", Json::array())) {
    if (group.is_string()) {
      record.cgroups.emplace_back(group.get<std::string>());
    }
  }
  return record;
}

Status write_record(const Record& record) {
  return write_file(lab_folder(record.name) / "lab.json", to_json(record).dump(2) + "\n", 0600);
}

Result<std::optional<Record>> read_record(const std::string& name) {
  TRY(check_lab_name(name), "lab");
  const fs::path file = lab_folder(name) / "lab.json";
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    return std::optional<Record>();
  }
  TRY_ASSIGN(const Json json, parse_json(read_file(file)), file.string());
  TRY_ASSIGN(Record record, record_from_json(json), file.string());
  return std::optional(std::move(record));
}

std::vector<std::string> recorded_names() {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(state_root(), ignored)) {
    if (fs::exists(entry.path() / "lab.json", ignored)) {
      out.push_back(entry.path().filename());
    }
  }
  return out;
}

std::optional<ProcessId> parse_process_id(std::string_view text) {
  ProcessId out;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out.pid);
  if (read.ec != std::errc() || out.pid <= 1) {
    return std::nullopt;
  }
  std::istringstream rest(std::string(read.ptr, text.data() + text.size()));
  rest >> out.started;
  return out.started.empty() ? std::nullopt : std::optional(out);
}

std::string start_time_in(std::string_view stat) {
  const auto name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) {
    return {};
  }
  std::istringstream fields{std::string(stat.substr(name_end + 1))};
  std::string field;
  for (int i = 0; i <= kStartTimeField; ++i) {
    fields >> field;
  }
  return fields ? field : std::string();
}

bool is_running(const ProcessId& process) {
  const std::string stat = read_file(fmt::format("/proc/{}/stat", process.pid));
  const auto name_end = stat.rfind(") ");
  const bool zombie = name_end != std::string::npos && stat.compare(name_end + 2, 1, "Z") == 0;
  return !zombie && start_time_in(stat) == process.started;
}

std::optional<ProcessId> running_supervisor(const std::string& lab, const std::string& node) {
  const auto process = parse_process_id(read_file(node_folder(lab, node) / "supervisor"));
  return process && is_running(*process) ? process : std::nullopt;
}

std::string read_file(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

Status write_file(const fs::path& file, std::string_view text, unsigned mode) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  const fs::path temporary = file.string() + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  bool good = fd >= 0 && ::fchmod(fd, mode) == 0;
  while (good && !text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    good = written > 0;
    text.remove_prefix(good ? static_cast<std::size_t>(written) : 0);
  }
  good = good && ::fsync(fd) == 0;
  if (fd >= 0) {
    ::close(fd);
  }
  if (!good || ::rename(temporary.c_str(), file.c_str()) != 0) {
    return fail(ErrorCode::internal, "cannot write " + file.string());
  }
  return {};
}

}  // namespace harness::lab
