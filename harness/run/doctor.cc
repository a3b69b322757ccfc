#include "harness/run/doctor.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "harness/power/control.h"

namespace harness::run {
namespace {

constexpr std::int64_t kNeededKb = 1'500'000;
constexpr std::int64_t kGuardKb = 20'000;
constexpr Microseconds kClockLimit = std::chrono::seconds(5);

using Grade = Finding::Grade;

void add_disk(const cluster::NodeFacts& facts, std::vector<Finding>& out) {
  for (const auto& [path, free] : facts.free_kb) {
    const std::string seen = fmt::format("{} MB free in {}", free / 1024, path);
    if (free < kGuardKb) {
      out.push_back(
          {Grade::blocking,
           facts.node,
           "disk",
           seen,
           fmt::format("free some space in {}: the guard keeps its records there", path)});
    } else if (free < kNeededKb && path != "/run") {
      out.push_back({Grade::limited,
                     facts.node,
                     "disk",
                     seen,
                     "an installation needs about 1.5 GB; old data directories can go"});
    } else {
      out.push_back({Grade::good, facts.node, "disk", seen, ""});
    }
  }
}

std::string without(const std::string& tool) {
  static const std::map<std::string, std::string, std::less<>> needs = {
      {"nft", "the faults partition, block-dns, block-registry and slow-network are skipped"},
      {"tc", "the fault slow-network is skipped"},
      {"ctr", "`kill-pod how=task` is skipped"},
      {"openssl", "the fault expire-certificate is skipped"}};
  const auto known = needs.find(tool);
  return known != needs.end() ? known->second
                              : fmt::format("faults and checks that need {} are skipped", tool);
}

// Something that a node may have by nature; what the lack of it means is said with it.
struct Feature {
  bool there = false;
  const char* what = "";
  const char* seen = "";
  const char* lack = "";
  const char* advice = "";
};

void add_features(const cluster::NodeFacts& facts, std::vector<Finding>& out) {
  for (const Feature& one :
       {Feature{facts.sysrq,
                "sysrq",
                "/proc/sysrq-trigger",
                "no /proc/sysrq-trigger",
                "`reboot how=panic` is skipped on this node; `reboot how=hard` uses reboot without "
                "sync instead, and says so in its evidence"},
        Feature{facts.own_clock,
                "clock of its own",
                "yes",
                "none: this node is a container",
                "the fault clock-jump is skipped on this node"},
        Feature{facts.io_limits,
                "io controller",
                "cgroup v2",
                "no cgroup v2 with the io controller",
                "the fault slow-disk is skipped on this node"}}) {
    out.push_back({one.there ? Grade::good : Grade::limited,
                   facts.node,
                   one.what,
                   one.there ? one.seen : one.lack,
                   one.there ? "" : one.advice});
  }
}

void add_kernel(const cluster::NodeFacts& facts, std::vector<Finding>& out) {
  static const std::map<std::string, const char*, std::less<>> skipped = {
      {"nf_tables",
       "partition, block-dns, block-registry and slow-network are skipped on this node until "
       "`modprobe nf_tables` works there"},
      {"fanotify",
       "delay-manifest is skipped on this node: its kernel was built without "
       "CONFIG_FANOTIFY_ACCESS_PERMISSIONS, or the node is a container without CAP_SYS_ADMIN"},
      {"pidfd",
       "kill-pod, freeze-pod, slow-disk and the faults of services, kubelet and containerd are "
       "skipped on this node: its kernel is older than Linux 5.3"},
      {"netem",
       "slow-network is skipped on this node until `modprobe -a sch_netem sch_prio cls_fw` works "
       "there (RHEL has them in kernel-modules-extra)"}};
  for (const auto& [part, there] : facts.kernel_parts) {
    const auto known = skipped.find(part);
    if (known != skipped.end()) {
      out.push_back({there ? Grade::good : Grade::limited,
                     facts.node,
                     part,
                     there ? "in the kernel" : "not in the kernel, and no module of it",
                     there ? "" : known->second});
    }
  }
}

void add_tools(const cluster::NodeFacts& facts, std::vector<Finding>& out) {
  for (const auto& [tool, there] : facts.tools) {
    if (there) {
      out.push_back({Grade::good, facts.node, tool, "found", ""});
    } else if (tool == "systemctl" || tool == "systemd-run") {
      out.push_back({Grade::blocking,
                     facts.node,
                     tool,
                     "missing",
                     "undo timers are systemd's; a node without it cannot be used"});
    } else {
      out.push_back({Grade::limited,
                     facts.node,
                     tool,
                     "missing",
                     fmt::format("{} on this node until it is there", without(tool))});
    }
  }
}

void add_units(const cluster::NodeFacts& facts, std::vector<Finding>& out) {
  if (!facts.unit_problem) {
    return;
  }
  const bool runs = facts.unit_problem->empty();
  out.push_back({runs ? Grade::good : Grade::blocking,
                 facts.node,
                 "units of ours",
                 runs ? "systemd runs the guard" : *facts.unit_problem,
                 runs ? "" : "until then nothing can be armed on this node"});
}

}  // namespace

std::vector<Finding> examine(const cluster::NodeFacts& facts,
                             const std::string& cluster,
                             const DoctorOptions& options) {
  std::vector<Finding> out;
  out.push_back({Grade::good,
                 facts.node,
                 "connection",
                 fmt::format("{}, {}, systemd {}", facts.os, facts.kernel, facts.systemd),
                 ""});
  if (facts.allow == cluster) {
    out.push_back({Grade::good, facts.node, std::string(kAllowMarker), facts.allow, ""});
  } else if (facts.allow.empty()) {
    out.push_back({options.need_allow ? Grade::blocking : Grade::limited,
                   facts.node,
                   std::string(kAllowMarker),
                   "none",
                   "`hookshot allow -i <inventory>` marks the nodes as expendable; nothing that "
                   "hurts runs without it"});
  } else {
    out.push_back({Grade::blocking,
                   facts.node,
                   std::string(kAllowMarker),
                   fmt::format("marked for cluster '{}', not '{}'", facts.allow, cluster),
                   "this node belongs to another cluster's tests: check the inventory, or remove "
                   "/etc/hookshot.allow on the node"});
  }
  if (facts.quarantine) {
    out.push_back({Grade::blocking,
                   facts.node,
                   std::string(kQuarantine),
                   "an earlier fault could not be undone",
                   "`hookshot heal -i <inventory>` says what is left"});
  }
  const auto offset = std::chrono::abs(facts.clock_offset);
  const std::string clock = fmt::format("{} ms from ours, give or take {} ms",
                                        facts.clock_offset.count() / 1000,
                                        facts.clock_error.count() / 1000 + 1);
  out.push_back(offset > kClockLimit
                    ? Finding{Grade::limited,
                              facts.node,
                              "clock",
                              clock,
                              "set the node's clock: reports mix node and controller times"}
                    : Finding{Grade::good, facts.node, "clock", clock, ""});
  add_disk(facts, out);
  add_tools(facts, out);
  add_units(facts, out);
  add_kernel(facts, out);
  add_features(facts, out);
  return out;
}

std::vector<Finding> examine(cluster::Cluster& cluster,
                             const DoctorOptions& options,
                             Deadline deadline) {
  std::vector<Finding> out;
  for (cluster::Node* node : cluster.nodes()) {
    const auto facts = cluster::ask_facts(*node,
                                          cluster.name(),
                                          deadline.at_most(std::chrono::seconds(40)),
                                          cluster::KernelParts::asked);
    if (!facts) {
      out.push_back({Grade::blocking,
                     node->name(),
                     "connection",
                     facts.error().message(),
                     "the node must be reachable by SSH and give root to the guard"});
      continue;
    }
    std::ranges::move(examine(*facts, cluster.name(), options), std::back_inserter(out));
  }
  return out;
}

std::vector<Finding> examine_power(const inventory::Inventory& inventory,
                                   exec::CommandRunner& runner,
                                   Deadline deadline) {
  std::vector<Finding> out;
  if (!inventory.power) {
    return out;
  }
  const power::Control control(runner, *inventory.power);
  for (const inventory::Node& node : inventory.nodes) {
    const auto state = control.state({node.name, node.address}, deadline);
    const bool on = state && *state == power::State::on;
    out.push_back(
        {on ? Grade::good : Grade::limited,
         node.name,
         "power",
         on      ? "`power.state` says on"
         : state ? "`power.state` says off"
                 : state.error().message(),
         on      ? ""
         : state ? "if the node answers, the command asks about another machine; `reboot "
                   "how=power` is refused on it"
                 : "`reboot how=power` is refused on this node until `power` in the inventory "
                   "works"});
  }
  return out;
}

}  // namespace harness::run
