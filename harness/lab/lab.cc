#include "harness/lab/lab.h"

#include <chrono>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/exec/local_runner.h"
#include "harness/lab/claim.h"
#include "harness/lab/machine.h"
#include "harness/lab/shell.h"
#include "harness/lab/state.h"

namespace harness::lab {

namespace {

constexpr std::chrono::seconds kQuick{10};

LabState describe(const Record& record) {
  LabState out{record.name,
               record.version,
               record.node_os,
               record.plan.bridge,
               lab_folder(record.name),
               record.inventory,
               record.artifacts,
               {}};
  for (const auto& node : record.plan.nodes) {
    out.nodes.push_back({node.name,
                         node.role,
                         node.address,
                         node.vm,
                         running_supervisor(record.name, node.name).has_value()});
  }
  return out;
}

// Labs are root's, and so are their records.
const char* seen_by_root_only() {
  return ::geteuid() == 0 ? "" : " of this user (labs are root's: run it with sudo)";
}

Result<Record> known(const std::string& name) {
  TRY_ASSIGN(std::optional<Record> record, read_record(name), "lab");
  if (!record) {
    return fail(ErrorCode::invalid_input,
                fmt::format("there is no lab '{0}'{1}; `hookshot lab up --name {0}` makes it",
                            name,
                            seen_by_root_only()));
  }
  return *std::move(record);
}

Result<PlannedNode> find_node(const Record& record, const std::string& name) {
  std::string names;
  for (const auto& node : record.plan.nodes) {
    if (node.name == name) {
      return node;
    }
    names += (names.empty() ? "" : ", ") + node.name;
  }
  return fail(ErrorCode::invalid_input,
              fmt::format("lab {} has no node '{}'; it has {}", record.name, name, names));
}

}  // namespace

Result<LabState> status(const std::string& name) {
  TRY_ASSIGN(const Record record, known(name), "lab status");
  LabState out = describe(record);
  exec::LocalRunner runner;
  for (std::size_t i = 0; i < out.nodes.size(); ++i) {
    const PlannedNode& node = record.plan.nodes[i];
    if (!out.nodes[i].running) {
      continue;
    }
    Shell shell(runner, record.name, node);
    const auto boot =
        shell.run({"cat", "/proc/sys/kernel/random/boot_id"}, Deadline::after(kQuick));
    const auto unit =
        shell.run({"systemctl", "show", unit_of(node), "--value", "-p", "ActiveState"},
                  Deadline::after(kQuick));
    out.nodes[i].answers = boot.has_value();
    out.nodes[i].boot_id = boot ? boot->substr(0, boot->find('\n')) : "";
    out.nodes[i].unit =
        unit ? fmt::format("{}: {}", unit_of(node), unit->substr(0, unit->find('\n'))) : "";
  }
  return out;
}

std::vector<std::string> names() {
  return recorded_names();
}

Result<bool> down(const std::string& name, const Progress& progress) {
  TRY_ASSIGN(const std::optional<Record> record, read_record(name), "lab down");
  if (!record && ::geteuid() != 0) {
    return fail(ErrorCode::invalid_input,
                fmt::format("there is no lab '{}'{}", name, seen_by_root_only()));
  }
  if (!record) {
    return false;
  }
  TRY_ASSIGN(const exec::UniqueFd held, claim(name), "lab down");
  exec::LocalRunner runner;
  return take_down(runner, *record, progress);
}

Result<std::vector<std::string>> ssh_command(const std::string& name,
                                             const std::string& node,
                                             const std::vector<std::string>& words) {
  TRY_ASSIGN(const Record record, known(name), "lab ssh");
  TRY_ASSIGN(const PlannedNode found, find_node(record, node), "lab ssh");
  return ssh_argv(record.name, found, words);
}

Result<std::vector<std::string>> logs_command(const std::string& name,
                                              const std::string& node,
                                              bool follow) {
  TRY_ASSIGN(const Record record, known(name), "lab logs");
  TRY_ASSIGN(const PlannedNode found, find_node(record, node), "lab logs");
  std::vector<std::string> words = {
      "journalctl", "--no-pager", "-o", "short-precise", "-u", unit_of(found)};
  if (follow) {
    words.push_back("-f");
  }
  return ssh_argv(record.name, found, words);
}

}  // namespace harness::lab
