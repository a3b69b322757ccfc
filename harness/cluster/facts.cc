#include "harness/cluster/facts.h"

#include <fmt/format.h>

namespace harness::cluster {
namespace {

constexpr int kRounds = 3;

std::map<std::string, bool> flags_of(const Json& line, const char* key) {
  std::map<std::string, bool> out;
  const Json all = line.value(key, Json::object());
  for (const auto& [name, there] : all.items()) {
    out[name] = there.is_boolean() && there.get<bool>();
  }
  return out;
}

NodeFacts from_line(const std::string& node, const Json& line) {
  NodeFacts facts;
  facts.node = node;
  facts.boot_id = json_string(line, "boot_id");
  facts.machine_id = json_string(line, "machine_id");
  facts.hostname = json_string(line, "hostname");
  facts.os = json_string(line, "os");
  facts.kernel = json_string(line, "kernel");
  facts.systemd = json_string(line, "systemd");
  facts.allow = json_string(line, "allow");
  facts.guard_sha256 = json_string(line, "guard_sha256");
  facts.sysrq = json_bool(line, "sysrq");
  facts.own_clock = json_bool(line, "own_clock");
  facts.io_limits = json_bool(line, "io_limits");
  facts.quarantine = json_bool(line, "quarantine");
  facts.tools = flags_of(line, "tools");
  const Json space = line.value("free_kb", Json::object());
  for (const auto& [path, free] : space.items()) {
    facts.free_kb[path] = free.is_number_integer() ? free.get<std::int64_t>() : -1;
  }
  facts.raw = line;
  return facts;
}

}  // namespace

Result<NodeFacts> ask_facts(Node& node,
                            const std::string& cluster,
                            Deadline deadline,
                            KernelParts parts) {
  NodeFacts best;
  std::map<std::string, bool> kernel_parts;
  std::optional<std::string> unit_problem;
  for (int round = 0; round < kRounds; ++round) {
    const std::int64_t asked = wall_now_us();
    const auto begun = std::chrono::steady_clock::now();
    Json record = {{"cluster", cluster}, {"data_dir", node.data_dir()}};
    if (round == 0 && parts == KernelParts::asked) {
      record["kernel_parts"] = true;
    }
    const auto lines = node.guard("facts", record, deadline);
    const auto taken =
        std::chrono::duration_cast<Microseconds>(std::chrono::steady_clock::now() - begun);
    TRY(lines, "ask for the facts of " + node.name());
    if (lines->empty() || json_string(lines->front(), "type") != "facts") {
      return fail(ErrorCode::remote_failed, node.name() + ": the guard tells no facts");
    }
    if (round == 0) {
      kernel_parts = flags_of(lines->front(), "kernel_parts");
      if (lines->front().contains("unit_problem")) {
        unit_problem = json_string(lines->front(), "unit_problem");
      }
    }
    const Microseconds error = taken / 2;
    if (round == 0 || error < best.clock_error) {
      best = from_line(node.name(), lines->front());
      best.clock_error = error;
      best.clock_offset =
          Microseconds(json_int(lines->front(), "node_wall_us") - (asked + error.count()));
    }
  }
  best.kernel_parts = std::move(kernel_parts);
  best.unit_problem = std::move(unit_problem);
  return best;
}

}  // namespace harness::cluster
