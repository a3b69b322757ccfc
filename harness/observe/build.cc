#include "harness/observe/build.h"

#include <array>

#include "harness/base/version.h"
#include "harness/observe/ask.h"

namespace harness::observe {
namespace {

constexpr std::string_view kVersionPrefix = "rke2 version ";
constexpr std::string_view kStandIn = "stand-in for rke2";
constexpr std::string_view kStartingPrefix = "Starting rke2 ";
constexpr std::string_view kAgentPrefix = "agent ";
// The tarball's default, its place when /usr/local is read-only, and the package's (install.sh).
constexpr std::array<const char*, 3> kBinaries{
    "/usr/local/bin/rke2", "/opt/rke2/bin/rke2", "/usr/bin/rke2"};

std::string_view word_at(std::string_view text, std::size_t at) {
  const std::size_t end = text.find_first_of(" \t\r\n\"", at);
  return text.substr(at, end == std::string_view::npos ? end : end - at);
}

}  // namespace

Result<Installed> parse_version_output(std::string_view text) {
  const std::size_t at = text.find(kVersionPrefix);
  if (at == std::string_view::npos) {
    return fail(ErrorCode::remote_failed,
                "`rke2 --version` says something else: " + std::string(text.substr(0, 200)));
  }
  Installed installed;
  installed.version = word_at(text, at + kVersionPrefix.size());
  const std::size_t open = text.find('(', at);
  const std::size_t close = text.find(')', at);
  if (open != std::string_view::npos && close != std::string_view::npos && open < close) {
    installed.commit = text.substr(open + 1, close - open - 1);
  }
  installed.text = trimmed(std::string(text));
  installed.standin = text.find(kStandIn) != std::string_view::npos;
  TRY(Version::parse(installed.version), "read `rke2 --version`");
  return installed;
}

Result<Installed> read_installed(cluster::Node& node, Deadline deadline) {
  for (const char* binary : kBinaries) {
    auto found = node.run(words({"/usr/bin/test", "-x", binary}), deadline);
    if (!found) {
      return fail(std::move(found).error(), "look for " + std::string(binary));
    }
    if (!found->ok()) {
      continue;
    }
    TRY_ASSIGN(const std::string text,
               output_of(node, {binary, "--version"}, deadline),
               "ask for the version on disk");
    return parse_version_output(text);
  }
  return fail(ErrorCode::not_supported, "rke2 is not installed on " + node.name());
}

Result<std::string> running_build(cluster::Node& node,
                                  const std::string& invocation,
                                  Deadline deadline) {
  if (invocation.empty()) {
    return std::string();
  }
  TRY_ASSIGN(const exec::CommandResult result,
             node.run(words({"journalctl",
                             "--no-pager",
                             "--quiet",
                             "--output=cat",
                             "--grep=Starting rke2 (agent )?v",
                             "_SYSTEMD_INVOCATION_ID=" + invocation}),
                      deadline),
             "read the journal for the running build");
  // 1 is journalctl's way to say that nothing matched.
  if (result.signal != 0 || result.exit_status > 1) {
    return fail(ErrorCode::remote_failed, "journalctl: " + result.err.substr(0, 200));
  }
  const std::size_t found = result.out.rfind(kStartingPrefix);
  if (found == std::string::npos) {
    return std::string();
  }
  std::size_t at = found + kStartingPrefix.size();
  if (std::string_view(result.out).substr(at).starts_with(kAgentPrefix)) {
    at += kAgentPrefix.size();
  }
  return std::string(word_at(result.out, at));
}

Result<std::string> data_directory(cluster::Node& node, Deadline deadline) {
  const std::string link = node.data_dir() + "/bin";
  TRY_ASSIGN(
      std::string target, output_of(node, {"readlink", link}, deadline), "find the data directory");
  return trimmed(std::move(target));
}

}  // namespace harness::observe
