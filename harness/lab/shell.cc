#include "harness/lab/shell.h"

#include <fmt/format.h>

namespace harness::lab {

namespace {

constexpr int kSshFailed = 255;
// The handshake counts, too, and an emulated processor takes its time for it.
constexpr const char* kConnect = "ConnectTimeout=1";
constexpr const char* kVmConnect = "ConnectTimeout=20";

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_./=:,+@%").find(c) != std::string_view::npos;
}

std::string quote(const std::string& word) {
  bool simple = !word.empty();
  std::string out = "'";
  for (const char c : word) {
    simple = simple && plain(c);
    out += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return simple ? word : out + "'";
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  return text.substr(text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1);
}

}  // namespace

std::string quote_words(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) {
    out += (out.empty() ? "" : " ") + quote(word);
  }
  return out;
}

std::vector<std::string> ssh_argv(const std::string& lab,
                                  const PlannedNode& node,
                                  const std::vector<std::string>& words) {
  const std::filesystem::path folder = lab_folder(lab);
  std::vector<std::string> argv = {"ssh",
                                   "-F",
                                   "/dev/null",
                                   "-i",
                                   folder / "id_ed25519",
                                   "-o",
                                   "IdentitiesOnly=yes",
                                   "-o",
                                   "UserKnownHostsFile=" + (folder / "known_hosts").string(),
                                   "-o",
                                   "GlobalKnownHostsFile=/dev/null",
                                   "-o",
                                   "StrictHostKeyChecking=yes",
                                   "-o",
                                   "BatchMode=yes",
                                   "-o",
                                   node.vm ? kVmConnect : kConnect,
                                   "-o",
                                   "LogLevel=ERROR",
                                   "root@" + node.address};
  if (!words.empty()) {
    argv.push_back("--");
    argv.push_back(quote_words(words));
  }
  return argv;
}

Result<std::string> Shell::run(const std::vector<std::string>& words, Deadline deadline) {
  TRY_ASSIGN(exec::CommandResult result,
             runner_.run({ssh_argv(lab_, node_, words)}, deadline),
             "ssh " + node_.name);
  if (result.ok()) {
    return std::move(result.out);
  }
  const std::string said = last_line(result.err.empty() ? result.out : result.err);
  if (result.signal == 0 && result.exit_status == kSshFailed) {
    return fail(ErrorCode::unreachable, fmt::format("ssh {}: {}", node_.name, said));
  }
  return fail(ErrorCode::remote_failed,
              fmt::format("{} on {}: status {}: {}",
                          words.empty() ? "shell" : words[0],
                          node_.name,
                          result.exit_status,
                          said));
}

}  // namespace harness::lab
