#include "harness/upgrade/tarball.h"

#include <map>
#include <sstream>

#include <fmt/format.h>

#include "harness/observe/ask.h"
#include "harness/upgrade/space.h"

namespace harness::upgrade {
namespace {

constexpr const char* kStage = "/var/lib/hookshot/stage";  // `allow --remove` takes it away, too
constexpr std::chrono::seconds kLastLook{20};

std::string last_lines(const exec::CommandResult& result) {
  const std::string text = observe::trimmed(result.err.empty() ? result.out : result.err);
  return text.size() <= 500 ? text : "..." + text.substr(text.size() - 500);
}

// What is on disk after something went wrong, for the operator.
std::string disk_now(cluster::Node& node) {
  const Deadline deadline = Deadline::after(kLastLook);
  if (!node.connected() && !node.reconnect(deadline)) {
    return "the node cannot be reached, so its state is unknown; its service was not touched";
  }
  auto installed = observe::read_installed(node, deadline);
  return installed ? fmt::format("on disk is {}; the service was not touched", installed->version)
                   : fmt::format("{}; the service was not touched", installed.error().message());
}

tl::unexpected<Error> in_the_middle(cluster::Node& node,
                                    const Error& error,
                                    const std::string& doing) {
  return fail(
      error.code(),
      fmt::format(
          "{}: {} ({}; it is safe to run this again)", doing, error.message(), disk_now(node)));
}

tl::unexpected<Error> interrupted(cluster::Node& node, const std::string& doing) {
  return in_the_middle(node, Error(ErrorCode::refused, "interrupted"), doing);
}

// Those that are not on the node yet, or are another file there.
Result<std::vector<Artifact>> missing_of(cluster::Node& node,
                                         const std::string& folder,
                                         const std::vector<Artifact>& all,
                                         Deadline deadline,
                                         const std::stop_token& stop) {
  std::vector<std::string> check{"sha256sum", "--"};
  for (const Artifact& one : all) {
    check.push_back(folder + "/" + one.file());
  }
  const auto there = node.run(observe::words(check), deadline, stop);
  if (!there && stop.stop_requested()) {
    return interrupted(node, "look what is there");
  }
  TRY(there, "look what is there");
  std::map<std::string, std::string> sums;
  std::istringstream lines(there->out);
  for (std::string line; std::getline(lines, line);) {
    if (auto sum = sum_line(line)) {
      sums[sum->name] = sum->sha256;
    }
  }
  std::vector<Artifact> missing;
  for (const Artifact& one : all) {
    const auto found = sums.find(folder + "/" + one.file());
    if (found == sums.end() || found->second != one.sha256) {
      missing.push_back(one);
    }
  }
  return missing;
}

// Copies of other releases, which an earlier install kept for the next one; there may be none.
Status delete_others(cluster::Node& node, const std::string& folder, Deadline deadline) {
  const std::vector<std::string> argv{"find",
                                      kStage,
                                      "-mindepth",
                                      "1",
                                      "-maxdepth",
                                      "1",
                                      "-not",
                                      "-path",
                                      folder,
                                      "-exec",
                                      "rm",
                                      "--recursive",
                                      "--force",
                                      "--",
                                      "{}",
                                      "+"};
  TRY(node.run(observe::words(argv), deadline), "delete the copies of other releases");
  return {};
}

// Copies what is not on the node yet.
Status stage(cluster::Node& node,
             const std::string& folder,
             const std::vector<Artifact>& all,
             Deadline deadline,
             const std::stop_token& stop) {
  TRY_ASSIGN(
      const std::vector<Artifact> missing, missing_of(node, folder, all, deadline, stop), "");
  Status room = check_space(node, kStage, missing, all, deadline);
  if (!room && room.error().code() == ErrorCode::not_supported && !missing.empty()) {
    TRY(delete_others(node, folder, deadline), "make room");
    room = check_space(node, kStage, missing, all, deadline);
  }
  TRY(room, "check the space");
  TRY(observe::output_of(node, {"mkdir", "--parents", "--mode=0700", folder}, deadline),
      "make the folder");
  for (const Artifact& one : missing) {
    if (stop.stop_requested()) {
      return interrupted(node, "copy " + one.file());
    }
    const Status copied = node.upload(one.path, folder + "/" + one.file(), 0600, deadline, stop);
    if (!copied && stop.stop_requested()) {
      return interrupted(node, "copy " + one.file());
    }
    if (!copied) {
      return in_the_middle(node, copied.error(), "copy " + one.file());
    }
  }
  return {};
}

// The release's own script, on what was staged.
Status run_script(cluster::Node& node,
                  const exec::Command& script,
                  const std::string& doing,
                  Deadline deadline,
                  const std::stop_token& stop) {
  if (stop.stop_requested()) {
    return interrupted(node, "before: " + doing);
  }
  const auto ran = node.run(script, deadline, stop);
  if (!ran && stop.stop_requested()) {
    return interrupted(node, doing + ", which may have put the release there in part");
  }
  if (!ran) {
    return in_the_middle(node, ran.error(), doing);
  }
  if (!ran->ok()) {
    const std::string why = fmt::format("exits with {}: {}", ran->exit_status, last_lines(*ran));
    return in_the_middle(node, Error(ErrorCode::remote_failed, why), doing);
  }
  return {};
}

}  // namespace

Tarball::Tarball(std::filesystem::path root, std::unique_ptr<exec::CommandRunner> runner)
    : artifacts_(std::move(root), std::move(runner)) {}

Status Tarball::verify(const Version& version) const {
  TRY(artifacts_.verified(version), name());
  return {};
}

Result<Installed> Tarball::install(cluster::Node& node,
                                   const Version& version,
                                   Deadline deadline,
                                   std::stop_token stop) const {
  TRY_ASSIGN(const std::vector<Artifact> all, artifacts_.verified(version), name());
  const std::string folder = fmt::format("{}/{}", kStage, version.tag());
  TRY(stage(node, folder, all, deadline, stop),
      fmt::format("stage {} on {}", version.tag(), node.name()));
  exec::Command script = observe::words({"/bin/sh", folder + "/" + all.back().file()});
  script.env = {{"INSTALL_RKE2_ARTIFACT_PATH", folder},
                {"INSTALL_RKE2_TYPE", node.is_server() ? "server" : "agent"},
                {"INSTALL_RKE2_METHOD", "tar"},
                {"INSTALL_RKE2_AGENT_IMAGES_DIR", node.data_dir() + "/agent/images"}};
  const std::string doing = fmt::format("run install.sh of {} on {}", version.tag(), node.name());
  TRY(run_script(node, script, doing, deadline, stop), "");
  TRY_ASSIGN(Installed installed, observe::read_installed(node, deadline), "after " + doing);
  if (installed.version != version.tag()) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} ended well, but on disk is {}", doing, installed.version));
  }
  return installed;
}

Status Tarball::clear(cluster::Node& node, Deadline deadline) const {
  TRY(observe::output_of(node, {"rm", "--recursive", "--force", "--", kStage}, deadline),
      "delete the copies of the releases on " + node.name());
  return {};
}

}  // namespace harness::upgrade
