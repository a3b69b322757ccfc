#include "harness/cluster/guard_answer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/base/redact.h"
#include "harness/cluster/base64.h"

namespace harness::cluster {
namespace {

constexpr std::size_t kShown = 300;
constexpr std::chrono::milliseconds kExecLook{1000};

std::string shown(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return redact(text.substr(text.size() - std::min(text.size(), kShown)));
}

Error announced(std::string_view verb, const Json& line) {
  const std::string code = json_string(line, "code");
  const ErrorCode kind = code == "invalid"       ? ErrorCode::invalid_input
                         : code == "refused"     ? ErrorCode::refused
                         : code == "failed"      ? ErrorCode::remote_failed
                         : code == "unsupported" ? ErrorCode::not_supported
                                                 : ErrorCode::internal;
  return {kind, fmt::format("guard {}: {}", verb, json_string(line, "message", "no reason given"))};
}

std::string sudoers_advice(const Login& login) {
  return fmt::format(
      "put this line into /etc/sudoers.d/hookshot on {}: {} ALL=(root) NOPASSWD: /usr/bin/install, "
      "/usr/bin/sha256sum, /usr/bin/chcon, /usr/bin/find, /bin/cat, /bin/ls, {}",
      login.node,
      login.user,
      login.guard_path);
}

std::string ending(const exec::CommandResult& result) {
  return result.signal != 0 ? fmt::format("signal {}", result.signal)
                            : fmt::format("exit status {}", result.exit_status);
}

}  // namespace

Result<std::string> encode_record(const Json& record) {
  try {
    return record.dump();
  } catch (const Json::exception&) {
    return fail(ErrorCode::invalid_input, "a text for the node is not UTF-8");
  }
}

Json exec_record(const std::string& cluster,
                 const exec::Command& command,
                 std::chrono::milliseconds timeout) {
  auto env = command.env;
  env.emplace("LC_ALL", "C");
  return {{"cluster", cluster},
          {"argv", command.argv},
          {"env", env},
          {"input_b64", to_base64(command.input)},
          {"timeout_ms", timeout.count()}};
}

std::optional<std::chrono::milliseconds> oldest_look(std::string_view verb) {
  // `go` and `moment` concern a record that was armed after a look.
  constexpr std::array<std::string_view, 11> kHarmless = {"facts",
                                                          "read",
                                                          "watch",
                                                          "heartbeat",
                                                          "go",
                                                          "moment",
                                                          "status",
                                                          "lease-acquire",
                                                          "lease-renew",
                                                          "lease-release",
                                                          "clean"};
  if (std::ranges::find(kHarmless, verb) != kHarmless.end()) {
    return std::nullopt;
  }
  // A burst of commands shares one look.
  return verb == "exec" ? kExecLook : std::chrono::milliseconds(0);
}

Error root_problem(std::string_view doing, const exec::CommandResult& result, const Login& login) {
  const std::string& said = result.err;
  const auto says = [&said](std::string_view text) { return said.find(text) != std::string::npos; };
  if (says("Exec format error")) {
    return {ErrorCode::not_supported,
            fmt::format("{}: {} was made for another machine than {} is ({}); take the node out of "
                        "the inventory",
                        doing,
                        login.guard_path,
                        login.node,
                        shown(said))};
  }
  if (login.become_sudo && result.exit_status == 127 && says("sudo")) {
    return {ErrorCode::not_supported,
            fmt::format(
                "{}: there is no sudo on {}; install it, or log in as root and leave out become",
                doing,
                login.node)};
  }
  if (login.become_sudo && says("sudo:") && (says("password") || says("terminal") || says("tty"))) {
    return {
        ErrorCode::not_supported,
        fmt::format("{}: sudo on {} asks {} for a password, and nobody is there to type one; {}",
                    doing,
                    login.node,
                    login.user,
                    sudoers_advice(login))};
  }
  if (login.become_sudo &&
      (says("sudo:") || says("may not run sudo") || says("not in the sudoers file"))) {
    return {ErrorCode::not_supported,
            fmt::format("{}: sudo on {} does not let {} do it ({}); {}",
                        doing,
                        login.node,
                        login.user,
                        shown(said),
                        sudoers_advice(login))};
  }
  if (!login.become_sudo && login.user != "root" &&
      (says("Permission denied") || says("not permitted"))) {
    return {
        ErrorCode::not_supported,
        fmt::format(
            "{}: {} is not root on {} ({}); log in as root, or set become: sudo in the inventory",
            doing,
            login.user,
            login.node,
            shown(said))};
  }
  return {ErrorCode::remote_failed,
          fmt::format("{}: {}{}{}", doing, ending(result), said.empty() ? "" : ": ", shown(said))};
}

Result<Json> guard_line(std::string_view verb, std::string_view line) {
  auto parsed = parse_json(line);
  if (!parsed || !parsed->is_object()) {
    return fail(ErrorCode::remote_failed,
                fmt::format("guard {}: a line that is not JSON: {}", verb, shown(line)));
  }
  if (json_string(*parsed, "type") == "error") {
    return fail(announced(verb, *parsed));
  }
  return parsed;
}

Result<std::vector<Json>> guard_answer(std::string_view verb,
                                       const exec::CommandResult& result,
                                       const Login& login) {
  if (result.cut) {
    return fail(
        ErrorCode::remote_failed,
        fmt::format("guard {}: the answer is larger than {} bytes", verb, result.out.size()));
  }
  std::vector<Json> lines;
  std::string_view rest = result.out;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.empty()) {
      continue;
    }
    TRY_ASSIGN(Json parsed, guard_line(verb, line), login.node);
    if (json_string(parsed, "type") == "done") {
      return lines;
    }
    lines.push_back(std::move(parsed));
  }
  const std::string doing = fmt::format("{}: guard {}", login.node, verb);
  if (result.exit_status == 127 || result.exit_status == 126) {
    const bool no_sudo = login.become_sudo && result.err.find("sudo") != std::string::npos &&
                         result.err.find(login.guard_path) == std::string::npos;
    if (!no_sudo) {
      return fail(ErrorCode::remote_failed,
                  fmt::format("{}: {} is not there or does not run: {}",
                              doing,
                              login.guard_path,
                              shown(result.err)));
    }
  }
  if (login.become_sudo || result.exit_status > 4) {
    return fail(root_problem(doing + " did not answer", result, login));
  }
  return fail(ErrorCode::remote_failed,
              fmt::format("{}: it ended without saying how ({}){}{}",
                          doing,
                          ending(result),
                          result.err.empty() ? "" : ": ",
                          shown(result.err)));
}

}  // namespace harness::cluster
