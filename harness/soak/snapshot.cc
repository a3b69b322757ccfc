#include "harness/soak/snapshot.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>

#include <fmt/format.h>

#include "harness/cluster/facts.h"

namespace harness::soak {
namespace {

constexpr std::string_view kFile = "file ";
constexpr const char* kClock = "clock, seconds from ours";

// What faults put something else in the place of. kubelet's certificate is made anew at each start.
constexpr std::array<const char*, 7> kFiles = {"agent/pod-manifests/etcd.yaml",
                                               "agent/pod-manifests/kube-apiserver.yaml",
                                               "agent/pod-manifests/kube-controller-manager.yaml",
                                               "agent/pod-manifests/kube-scheduler.yaml",
                                               "server/tls/etcd/server-client.crt",
                                               "server/tls/etcd/peer-server-client.crt",
                                               "server/tls/serving-kube-apiserver.crt"};

struct Question {
  const char* name;
  std::vector<std::string> argv;
  std::string_view only = {};              // lines with it, when it is given
  std::vector<std::string_view> but = {};  // none of those with one of these
};

std::vector<Question> questions(const cluster::Node& node) {
  const std::string data = node.data_dir();
  const auto hidden = [](std::vector<std::string> folders) {
    folders.insert(folders.begin(), "find");
    folders.insert(folders.end(), {"-maxdepth", "2", "-name", ".hookshot*"});
    return folders;
  };
  return {
      {.name = "nft tables", .argv = {"nft", "list", "tables"}, .only = "hookshot"},
      {.name = "service", .argv = {"systemctl", "is-active", node.unit()}},
      {.name = "qdiscs", .argv = {"tc", "qdisc", "show"}},
      {.name = "mounts",
       .argv = {"findmnt", "-rno", "TARGET,FSTYPE", "-t", "tmpfs,ext4,xfs"},
       // Pods have their own, and come and go.
       .but = {"/run/k3s/", "/var/lib/kubelet/", "/run/netns/", "/run/credentials/"}},
      {.name = "units",
       .argv = {"systemctl", "list-units", "--all", "--plain", "--no-legend", "hookshot-*"},
       .but = {"hookshot-boot.service"}},
      {.name = "full filesystems", .argv = {"df", "--output=pcent,target"}, .only = "100%"},
      {.name = "limits of input and output",
       .argv = {"grep", "-rs", "--include=io.max", ".", "/sys/fs/cgroup"}},
      {.name = "keepers of the clock",
       .argv = {"systemctl", "is-active", "systemd-timesyncd", "chrony", "ntpsec"}},
      {.name = "limits",
       .argv = {"systemctl",
                "show",
                "--property=CPUQuotaPerSecUSec,UnitFileState,DropInPaths",
                node.unit()}},
      {.name = "stopped processes", .argv = {"ps", "-eo", "stat=,comm="}, .only = "T"},
      {.name = "files of ours",
       .argv = hidden({data + "/agent", data + "/server/tls", "/var/lib/hookshot/armed"})},
      {.name = "records", .argv = {"find", "/var/lib/hookshot/armed", "-mindepth", "1"}},
  };
}

// A process is stopped when its state, which comes first, is T.
bool wanted(const Question& question, const std::string& line) {
  const auto has = [&](std::string_view word) { return line.find(word) != std::string::npos; };
  return (question.only == "T" ? line.starts_with("T") : has(question.only)) &&
         std::ranges::none_of(question.but, has);
}

std::string kept(const Question& question, const std::string& text) {
  std::istringstream lines(text);
  std::vector<std::string> out;
  for (std::string line; std::getline(lines, line);) {
    if (wanted(question, line)) {
      out.push_back(line);
    }
  }
  std::ranges::sort(out);
  return fmt::format("{}", fmt::join(out, "; "));
}

}  // namespace

Result<Snapshot> take_snapshot(cluster::Node& node, const std::string& cluster, Deadline deadline) {
  Snapshot out;
  for (const Question& question : questions(node)) {
    TRY_ASSIGN(
        const exec::CommandResult said, node.run({.argv = question.argv}, deadline), question.name);
    out[question.name] = kept(question, said.out);
  }
  for (const char* file : kFiles) {
    TRY_ASSIGN(const exec::CommandResult sum,
               node.run({.argv = {"sha256sum", node.data_dir() + "/" + file}}, deadline),
               "digest");
    out[std::string(kFile) + file] = sum.out.substr(0, sum.out.find(' '));
  }
  TRY_ASSIGN(const cluster::NodeFacts facts, cluster::ask_facts(node, cluster, deadline), "facts");
  out[kClock] = std::to_string(facts.clock_offset.count() / 1'000'000);
  out["quarantine"] = facts.quarantine ? "yes" : "no";
  return out;
}

void take_over_files(Snapshot& before, const Snapshot& now) {
  for (const auto& [name, digest] : now) {
    if (name.starts_with(kFile) && !digest.empty()) {
      before[name] = digest;
    }
  }
}

void take_over_clock(Snapshot& before, const Snapshot& now) {
  const auto is = now.find(kClock);
  const auto was = before.find(kClock);
  if (is != now.end() && was != before.end() &&
      std::abs(std::atoll(is->second.c_str()) - std::atoll(was->second.c_str())) <= 1) {
    was->second = is->second;
  }
}

std::vector<std::string> differences(const Snapshot& before, const Snapshot& after) {
  std::vector<std::string> out;
  for (const auto& [name, was] : before) {
    const auto now = after.find(name);
    const std::string is = now == after.end() ? "(not read)" : now->second;
    if (is != was) {
      out.push_back(fmt::format("{}: was '{}', is '{}'", name, was, is));
    }
  }
  return out;
}

}  // namespace harness::soak
