#include "harness/lab/machine.h"

#include <sstream>

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/lab/kubectl.h"
#include "harness/lab/recipe.h"
#include "harness/lab/shell.h"

namespace harness::lab {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kQuick{10};
constexpr std::chrono::minutes kInstall{3};
constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::milliseconds kReadyLook{500};
constexpr std::size_t kConsoleTail = 1500;

std::string console_tail(const Record& record, const PlannedNode& node) {
  const std::string text = read_file(node_folder(record.name, node.name) / "console.log");
  return text.size() > kConsoleTail ? text.substr(text.size() - kConsoleTail) : text;
}

std::string one_line(std::string text) {
  for (char& c : text) {
    c = c == '\n' ? ' ' : c;
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string last_fatal_line(exec::CommandRunner& runner,
                            const Record& record,
                            const PlannedNode& node) {
  const auto line = Shell(runner, record.name, node)
                        .run({"journalctl",
                              "--no-pager",
                              "-q",
                              "-o",
                              "cat",
                              "-n",
                              "1",
                              "-u",
                              unit_of(node),
                              "-g",
                              "level=fatal"},
                             Deadline::after(kQuick));
  return line ? one_line(*line) : std::string();
}

// "ActiveState=activating NRestarts=0, not Ready"
struct Readiness {
  bool ready = false;
  std::string seen;
};

Result<Readiness> look_at(exec::CommandRunner& runner,
                          const Record& record,
                          const PlannedNode& node) {
  Shell own(runner, record.name, node);
  Shell server(runner, record.name, record.plan.nodes.front());
  const auto unit =
      own.run({"systemctl", "show", unit_of(node), "-p", "ActiveState", "-p", "NRestarts"},
              Deadline::after(kQuick));
  if (!unit) {
    // A busy machine may leave one connection unanswered.
    return Readiness{false, unit.error().message()};
  }
  const auto condition = server.run(ask_ready(node.name), Deadline::after(kQuick));
  Readiness out;
  const bool active = unit->find("ActiveState=active\n") != std::string::npos;
  const bool ready = condition && *condition == "True";
  out.ready = active && ready;
  out.seen = fmt::format("{} {}",
                         one_line(*unit),
                         ready       ? "Ready"
                         : condition ? "not Ready"
                                     : "no answer from the apiserver");
  return out;
}

}  // namespace

std::string unit_of(const PlannedNode& node) {
  return fmt::format("rke2-{}.service", node.role);
}

Status start_machine(exec::CommandRunner& runner,
                     const Record& record,
                     const PlannedNode& node,
                     const CgroupLayout& layout) {
  const fs::path folder = node_folder(record.name, node.name);
  std::vector<std::string> argv = {"setsid", "--fork"};
  if (layout.scope) {
    const std::string unit = "--unit=" + cgroup_name(record.name, node.name);
    argv.insert(argv.end(),
                {"systemd-run",
                 "--scope",
                 "--quiet",
                 "--collect",
                 unit,
                 "--property=Delegate=yes",
                 fmt::format("--property=CPUWeight={}", cpu_weight(node.vm))});
  }
  argv.insert(argv.end(),
              {recipes() / (node.vm ? "vm" : "node"),
               folder,
               node.vm ? record.vm_image : record.image,
               node.machine,
               node.name,
               record.plan.bridge});
  if (node.vm) {
    argv.push_back(mac_of(node));
  } else {
    argv.push_back(record.artifacts.empty() ? "-" : record.artifacts.string());
    argv.emplace_back(layout.mode == CgroupMode::v2 ? "v2" : "v1");
  }
  const auto groups = node_cgroups(layout, record.name, node.name);
  if (!layout.scope) {
    TRY(make_cgroups(groups, cpu_weight(node.vm)), node.name);
    argv.insert(argv.end(), groups.begin(), groups.end());
  }
  TRY_ASSIGN(const auto result, runner.run({argv}, Deadline::after(kQuick)), "start " + node.name);
  if (!result.ok()) {
    return fail(ErrorCode::not_supported,
                fmt::format("start {}: {}", node.name, one_line(result.err)));
  }
  // setsid leaves at once; what it started says why it could not, or writes this file first.
  const auto look = [&]() -> Result<Observation> {
    std::error_code ignored;
    if (!fs::exists(folder / "supervisor", ignored) && !result.err.empty()) {
      return fail(ErrorCode::not_supported,
                  fmt::format("start {}: {}", node.name, one_line(result.err)));
    }
    return Observation{fs::exists(folder / "supervisor", ignored), "no supervisor"};
  };
  return eventually("the supervisor of " + node.name,
                    Deadline::after(kQuick),
                    std::chrono::milliseconds(10),
                    look);
}

Status wait_for_ssh(exec::CommandRunner& runner,
                    const Record& record,
                    const PlannedNode& node,
                    Deadline deadline,
                    std::stop_token stop) {
  const auto look = [&]() -> Result<Observation> {
    if (!running_supervisor(record.name, node.name)) {
      return fail(ErrorCode::not_supported,
                  "the machine ended; its console says:\n" + console_tail(record, node));
    }
    const auto answer = Shell(runner, record.name, node).run({"true"}, deadline.at_most(kQuick));
    if (!answer && answer.error().code() != ErrorCode::unreachable &&
        answer.error().code() != ErrorCode::timed_out) {
      return fail(answer.error());
    }
    return Observation{answer.has_value(), answer ? "in" : answer.error().message()};
  };
  return eventually(node.name + " answers ssh", deadline, kLook, look, std::move(stop));
}

Status wait_for_unit(exec::CommandRunner& runner,
                     const Record& record,
                     const PlannedNode& node,
                     Deadline deadline,
                     std::stop_token stop) {
  const auto look = [&]() -> Result<Observation> {
    const auto unit = Shell(runner, record.name, node)
                          .run({"systemctl", "show", unit_of(node), "-p", "ActiveState"},
                               deadline.at_most(kQuick));
    const std::string seen = unit ? one_line(*unit) : unit.error().message();
    return Observation{seen == "ActiveState=active", seen};
  };
  return eventually(unit_of(node), deadline, kReadyLook, look, std::move(stop));
}

Status install_release(exec::CommandRunner& runner, const Record& record, const PlannedNode& node) {
  Shell shell(runner, record.name, node);
  const std::string folder = "/srv/rke2/" + record.version;
  TRY(shell.run({"env",
                 "INSTALL_RKE2_ARTIFACT_PATH=" + folder,
                 "INSTALL_RKE2_TYPE=" + node.role,
                 "sh",
                 folder + "/install.sh"},
                Deadline::after(kInstall)),
      "install " + record.version);
  TRY(shell.run({"systemctl", "enable", unit_of(node)}, Deadline::after(kQuick)),
      "enable " + unit_of(node));
  TRY(shell.run({"systemctl", "start", "--no-block", unit_of(node)}, Deadline::after(kQuick)),
      "start " + unit_of(node));
  return {};
}

Status wait_for_ready(exec::CommandRunner& runner,
                      const Record& record,
                      const PlannedNode& node,
                      Deadline deadline,
                      const Progress& progress,
                      std::stop_token stop) {
  std::string last;
  const auto look = [&]() -> Result<Observation> {
    TRY_ASSIGN(const Readiness now, look_at(runner, record, node), node.name);
    if (now.seen != last && progress) {
      progress(fmt::format("{}: {}", node.name, now.seen));
    }
    last = now.seen;
    return Observation{now.ready, now.seen};
  };
  const Status waited =
      eventually(node.name + " is Ready", deadline, kReadyLook, look, std::move(stop));
  if (waited || waited.error().code() != ErrorCode::timed_out) {
    return waited;
  }
  const std::string fatal = last_fatal_line(runner, record, node);
  return fail(ErrorCode::timed_out,
              waited.error().message() + (fatal.empty() ? "" : "; its last fatal line: " + fatal));
}

}  // namespace harness::lab
