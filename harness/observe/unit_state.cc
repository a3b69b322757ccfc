#include "harness/observe/unit_state.h"

#include <charconv>
#include <map>

#include <fmt/format.h>

#include "harness/observe/ask.h"

namespace harness::observe {
namespace {

std::int64_t number(const std::map<std::string, std::string>& values, const char* key) {
  const auto found = values.find(key);
  std::int64_t value = 0;
  if (found != values.end()) {
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  }
  return value;
}

std::map<std::string, std::string> properties(const std::string& text) {
  std::map<std::string, std::string> values;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = text.find('\n', at);
    end = end == std::string::npos ? text.size() : end;
    const std::string_view line(text.data() + at, end - at);
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) {
      values.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
    at = end + 1;
  }
  return values;
}

}  // namespace

std::string UnitState::describe() const {
  std::string text = fmt::format("{} ({})", active.empty() ? "unknown" : active, sub);
  if (!result.empty() && result != "success") {
    text += ", result " + result;
  }
  if (!invocation.empty()) {
    text += ", invocation " + invocation.substr(0, 8);
  }
  if (n_restarts > 0) {
    text += fmt::format(", {} restarts", n_restarts);
  }
  return text;
}

Json UnitState::to_json(const std::string& unit) const {
  return Json{{"unit", unit},
              {"active", active},
              {"sub", sub},
              {"result", result},
              {"invocation", invocation},
              {"main_pid", main_pid},
              {"n_restarts", n_restarts},
              {"exec_status", exec_status},
              {"boot_id", boot_id}};
}

Result<UnitState> read_unit(cluster::Node& node, Deadline deadline) {
  TRY_ASSIGN(const std::string text,
             output_of(node,
                       {"systemctl",
                        "show",
                        node.unit(),
                        "--property=LoadState,ActiveState,SubState,Result,InvocationID,MainPID,"
                        "NRestarts,ExecMainStatus,Job"},
                       deadline),
             "ask systemd for " + node.unit());
  auto values = properties(text);
  UnitState state;
  state.load = values["LoadState"];
  state.active = values["ActiveState"];
  state.sub = values["SubState"];
  state.result = values["Result"];
  state.invocation = values["InvocationID"];
  state.job = values["Job"];
  state.main_pid = number(values, "MainPID");
  state.n_restarts = number(values, "NRestarts");
  state.exec_status = number(values, "ExecMainStatus");
  if (state.job == "0") {
    state.job.clear();
  }
  TRY_ASSIGN(state.boot_id, read_boot_id(node, deadline), "read the boot id");
  return state;
}

Result<std::string> read_boot_id(cluster::Node& node, Deadline deadline) {
  TRY_ASSIGN(const std::string text,
             output_of(node, {"cat", "/proc/sys/kernel/random/boot_id"}, deadline),
             "read boot_id");
  std::string id = trimmed(text);
  if (id.empty()) {
    return fail(ErrorCode::remote_failed, node.name() + " has no boot id");
  }
  return id;
}

}  // namespace harness::observe
