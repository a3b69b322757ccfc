#include "harness/bench/node_container.h"

#include <charconv>
#include <filesystem>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/bench/node_side.h"
#include "harness/guard/system.h"

namespace harness::bench {
namespace {

constexpr std::chrono::seconds kToolLimit{20};

Result<guard::Finished> ask(const std::string& ctr, std::vector<std::string> words) {
  std::vector<std::string> argv = {
      ctr, "--address", "/run/k3s/containerd/containerd.sock", "-n", "k8s.io"};
  argv.insert(argv.end(), words.begin(), words.end());
  return guard::spawn(argv, kToolLimit);
}

Status run(const std::string& ctr, const std::vector<std::string>& words) {
  TRY_ASSIGN(const guard::Finished done, ask(ctr, words), "ctr");
  return done.ok() ? Status()
                   : Status(fail(ErrorCode::remote_failed,
                                 fmt::format("ctr {}: exit {}{}: {}",
                                             fmt::join(words, " "),
                                             done.status,
                                             done.timed_out ? ", not in time" : "",
                                             done.err)));
}

Status make_rootfs(const std::string& rootfs) {
  namespace fs = std::filesystem;
  std::error_code problem;
  fs::create_directories(rootfs + "/proc", problem);
  if (!problem) {
    fs::copy_file(
        std::string(kProgram), rootfs + "/node", fs::copy_options::overwrite_existing, problem);
  }
  return problem ? Status(fail(ErrorCode::remote_failed,
                               fmt::format("make {}: {}", rootfs, problem.message())))
                 : Status();
}

}  // namespace

Json container_spec(const std::string& rootfs, const std::string& id, const Json& annotations) {
  return {
      {"ociVersion", "1.0.2"},
      {"process",
       {{"user", {{"uid", 0}, {"gid", 0}}},
        {"args", Json::array({"/node", "wait"})},
        {"cwd", "/"}}},
      {"root", {{"path", rootfs}}},
      {"mounts", Json::array({{{"destination", "/proc"}, {"type", "proc"}, {"source", "proc"}}})},
      {"annotations", annotations},
      {"linux",
       {{"cgroupsPath", "/k8s.io/" + id},
        {"namespaces", Json::array({{{"type", "pid"}}, {{"type", "mount"}}})}}}};
}

Result<int> RealContainer::start(const std::string& data_dir,
                                 const Json& annotations,
                                 const std::string& pid_file) {
  const std::string own = guard::find_program(data_dir + "/bin/ctr");
  const std::string ctr = own.empty() ? guard::find_program("ctr", data_dir) : own;
  if (ctr.empty()) {
    return fail(ErrorCode::not_supported, "ctr is not on this node");
  }
  const std::string id(kVictim);
  const std::string rootfs = fmt::format("{}/rootfs", kProgramDir);
  const std::string spec = fmt::format("{}/container.json", kProgramDir);
  ctr_ = ctr;
  TRY(remove(), "clear");
  TRY(make_rootfs(rootfs), "container");
  TRY(guard::write_durable(spec, container_spec(rootfs, id, annotations).dump()), "container");
  ctr_ = ctr;
  TRY(run(ctr, {"run", "--detach", "--null-io", "--config", spec, id}), "container");
  TRY_ASSIGN(const std::string text, guard::read_whole(pid_file, 32), "container");
  int pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  if (pid <= 1) {
    return fail(ErrorCode::remote_failed, fmt::format("{} holds no pid: {}", pid_file, text));
  }
  return pid;
}

Status RealContainer::remove() {
  const std::string ctr = std::exchange(ctr_, {});
  if (ctr.empty()) {
    return {};
  }
  const std::string id(kVictim);
  // Each fails where there is nothing to remove; what counts is what is left.
  static_cast<void>(run(ctr, {"tasks", "delete", "--force", id}));
  static_cast<void>(run(ctr, {"containers", "delete", id}));
  TRY_ASSIGN(const guard::Finished left, ask(ctr, {"containers", "list", "--quiet"}), "ctr");
  return left.ok() && left.out.find(id) == std::string::npos
             ? Status()
             : Status(fail(ErrorCode::remote_failed,
                           fmt::format("containerd keeps {}: {}{}; `ctr -n k8s.io containers "
                                       "delete {}` on the node removes it",
                                       id,
                                       left.out,
                                       left.err,
                                       id)));
}

}  // namespace harness::bench
