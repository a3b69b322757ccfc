#include "harness/upgrade/tarball.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include <fmt/format.h>

#include "harness/observe/ask.h"

namespace harness::upgrade {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStage = "/var/lib/hookshot/stage";
constexpr std::uintmax_t kSpareBytes = 64u << 20;  // for the node's own logs while we install
constexpr std::uintmax_t kUnpackedFactor = 4;      // of the tarball's size; RKE2's is about three
constexpr std::chrono::seconds kLastLook{20};

std::vector<std::vector<std::string>> table(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1);
  std::string word;
  for (const char c : text + "\n") {
    if (c != ' ' && c != '\n' && c != '\t') {
      word += c;
      continue;
    }
    if (!word.empty()) {
      rows.back().push_back(std::move(word));
      word.clear();
    }
    if (c == '\n') {
      rows.emplace_back();
    }
  }
  return rows;
}

struct Free {
  std::string mount;
  std::uintmax_t bytes = 0;
};

// Asks for the nearest folder that exists: the data directory may not, yet.
Result<Free> free_space(cluster::Node& node, fs::path path, Deadline deadline) {
  for (;; path = path.parent_path()) {
    TRY_ASSIGN(const exec::CommandResult result,
               node.run(observe::words({"df", "--portability", "--block-size=1024", path.string()}),
                        deadline),
               "ask for free space");
    const auto rows = table(result.out);
    if (result.ok() && rows.size() > 1 && rows[1].size() >= 6) {
      std::uintmax_t kilobytes = 0;
      std::from_chars(rows[1][3].data(), rows[1][3].data() + rows[1][3].size(), kilobytes);
      return Free{.mount = rows[1].back(), .bytes = kilobytes * 1024};
    }
    if (path == path.parent_path()) {
      return fail(ErrorCode::remote_failed, "df: " + observe::trimmed(result.err));
    }
  }
}

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

// All space is asked for before anything is copied; paths on one file system share its space.
Status check_space(cluster::Node& node,
                   const std::vector<Artifact>& missing,
                   const std::vector<Artifact>& all,
                   Deadline deadline) {
  std::map<std::string, std::uintmax_t> wanted;
  for (const Artifact& one : missing) {
    wanted[kStage] += one.size;
  }
  for (const Artifact& one : all) {
    if (one.kind == Artifact::Kind::tarball) {
      wanted["/usr/local"] += one.size * kUnpackedFactor;
    } else if (one.kind == Artifact::Kind::images) {
      wanted[node.data_dir() + "/agent/images"] += one.size;
    }
  }
  std::map<std::string, std::pair<std::uintmax_t, std::uintmax_t>> mounts;  // wanted, free
  for (const auto& [path, bytes] : wanted) {
    TRY_ASSIGN(const Free free, free_space(node, path, deadline), path);
    auto& [sum, available] = mounts[free.mount];
    sum += bytes;
    available = free.bytes;
  }
  for (const auto& [mount, numbers] : mounts) {
    const auto& [sum, available] = numbers;
    if (available < sum + kSpareBytes) {
      return fail(ErrorCode::not_supported,
                  fmt::format("{} has {} MB free under {}, and installing takes {} MB; nothing was "
                              "changed",
                              node.name(),
                              available >> 20,
                              mount,
                              (sum + kSpareBytes) >> 20));
    }
  }
  return {};
}

// Copies what is not on the node yet.
Status stage(cluster::Node& node,
             const std::string& folder,
             const std::vector<Artifact>& all,
             Deadline deadline) {
  std::vector<std::string> check{"sha256sum", "--"};
  for (const Artifact& one : all) {
    check.push_back(folder + "/" + one.file());
  }
  TRY_ASSIGN(const exec::CommandResult there,
             node.run(observe::words(check), deadline),
             "look what is there");
  std::map<std::string, std::string> sums;
  std::istringstream lines(there.out);
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
  TRY(check_space(node, missing, all, deadline), "check the space");
  TRY(observe::output_of(node, {"mkdir", "--parents", "--mode=0700", folder}, deadline),
      "make the folder");
  for (const Artifact& one : missing) {
    const Status copied = node.upload(one.path, folder + "/" + one.file(), 0600, deadline);
    if (!copied) {
      return in_the_middle(node, copied.error(), "copy " + one.file());
    }
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
                                   Deadline deadline) const {
  TRY_ASSIGN(const std::vector<Artifact> all, artifacts_.verified(version), name());
  const std::string folder = fmt::format("{}/{}", kStage, version.tag());
  TRY(stage(node, folder, all, deadline),
      fmt::format("stage {} on {}", version.tag(), node.name()));
  exec::Command script = observe::words({"/bin/sh", folder + "/" + all.back().file()});
  script.env = {{"INSTALL_RKE2_ARTIFACT_PATH", folder},
                {"INSTALL_RKE2_TYPE", node.is_server() ? "server" : "agent"},
                {"INSTALL_RKE2_METHOD", "tar"},
                {"INSTALL_RKE2_AGENT_IMAGES_DIR", node.data_dir() + "/agent/images"}};
  auto ran = node.run(script, deadline);
  const std::string doing = fmt::format("run install.sh of {} on {}", version.tag(), node.name());
  if (!ran) {
    return in_the_middle(node, ran.error(), doing);
  }
  if (!ran->ok()) {
    const std::string why = fmt::format("exits with {}: {}", ran->exit_status, last_lines(*ran));
    return in_the_middle(node, Error(ErrorCode::remote_failed, why), doing);
  }
  TRY_ASSIGN(Installed installed, observe::read_installed(node, deadline), "after " + doing);
  if (installed.version != version.tag()) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} ended well, but on disk is {}", doing, installed.version));
  }
  TRY(observe::output_of(node, {"rm", "--recursive", "--force", "--", folder}, deadline),
      fmt::format(
          "{} is installed on {}: delete what was copied for it", version.tag(), node.name()));
  return installed;
}

}  // namespace harness::upgrade
