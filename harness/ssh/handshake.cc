#include "harness/ssh/handshake.h"

#include <cstdlib>

#include <fmt/format.h>
#include <libssh/libssh.h>
#include <poll.h>

#include "harness/ssh/host_key.h"
#include "harness/ssh/key_file.h"

namespace harness::ssh {
namespace {

// libssh expands % in paths.
std::string literal(const std::filesystem::path& path) {
  std::string text;
  for (const char c : std::filesystem::absolute(path).string()) {
    text += c == '%' ? "%%" : std::string(1, c);
  }
  return text;
}

// Calls a non-blocking function of libssh until it has an answer. False when the deadline passed.
template <typename Function>
bool drive(ssh_session session, Deadline deadline, int again, int& answer, Function function) {
  while ((answer = function()) == again) {
    const int flags = ssh_get_poll_flags(session);
    pollfd waiting{
        .fd = ssh_get_fd(session),
        .events = static_cast<short>(POLLIN | ((flags & SSH_WRITE_PENDING) != 0 ? POLLOUT : 0)),
        .revents = 0};
    if (deadline.passed()) {
      return false;
    }
    ::poll(&waiting, 1, static_cast<int>(deadline.left().count()));
  }
  return true;
}

Status set_options(ssh_session session, int fd, const Target& target) {
  const std::string known_hosts = literal(target.known_hosts);
  const unsigned int port = static_cast<unsigned int>(target.port);
  const bool no_config = false;
  const int off = 0;
  bool good = ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no_config) == SSH_OK;
  const auto set = [&](ssh_options_e option, const void* value) {
    good = good && ssh_options_set(session, option, value) == SSH_OK;
  };
  set(SSH_OPTIONS_HOST, target.host.c_str());
  set(SSH_OPTIONS_PORT, &port);
  set(SSH_OPTIONS_USER, target.user.c_str());
  set(SSH_OPTIONS_KNOWNHOSTS, known_hosts.c_str());
  set(SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
  set(SSH_OPTIONS_PASSWORD_AUTH, &off);
  set(SSH_OPTIONS_KBDINT_AUTH, &off);
  set(SSH_OPTIONS_GSSAPI_AUTH, &off);
  if (!target.agent_socket.empty()) {
    set(SSH_OPTIONS_IDENTITY_AGENT, literal(target.agent_socket).c_str());
  }
  set(SSH_OPTIONS_FD, &fd);
  if (!good) {
    return fail(ErrorCode::invalid_input, fmt::format("libssh: {}", ssh_get_error(session)));
  }
  ssh_set_blocking(session, 0);
  return {};
}

Error lost(ssh_session session, std::string_view doing) {
  const std::string_view said = ssh_get_error(session);
  return {ErrorCode::unreachable,
          fmt::format("{}: {}", doing, said.empty() ? "the host closed the connection" : said)};
}

bool agent_there(const Target& target) {
  const char* given = std::getenv("SSH_AUTH_SOCK");
  std::error_code ignored;
  if (!target.agent_socket.empty()) {
    return std::filesystem::is_socket(target.agent_socket, ignored);
  }
  return given != nullptr && std::filesystem::is_socket(given, ignored);
}

Error not_taken(const Target& target, std::string_view what) {
  return {ErrorCode::refused,
          fmt::format("{} did not take {}; put the public half into ~{}/.ssh/authorized_keys "
                      "there, or name another "
                      "key",
                      target.name.empty() ? target.host : target.name,
                      what,
                      target.user)};
}

Status answer_to(int answer, ssh_session session, const Target& target, const std::string& what) {
  switch (answer) {
    case SSH_AUTH_SUCCESS:
      return {};
    case SSH_AUTH_PARTIAL:
      return fail(
          ErrorCode::not_supported,
          fmt::format("it took {} and wants a second factor, which is not supported", what));
    case SSH_AUTH_DENIED:
      return fail(not_taken(target, what));
    default: {
      const std::string_view said = ssh_get_error(session);
      if (said.find("Too many authentication failures") != std::string_view::npos) {
        return fail(not_taken(target, what + " (too many keys were offered)"));
      }
      return fail(lost(session, "log in"));
    }
  }
}

Status with_agent(ssh_session session, const Target& target, Deadline deadline) {
  int answer = SSH_AUTH_ERROR;
  if (!drive(session, deadline, SSH_AUTH_AGAIN, answer, [&] {
        return ssh_userauth_agent(session, nullptr);
      })) {
    return fail(ErrorCode::timed_out, "log in with the agent's keys: no answer in time");
  }
  return answer_to(answer, session, target, "any key of the agent");
}

Status with_key_file(ssh_session session, const Target& target, Deadline deadline) {
  ssh_key raw = nullptr;
  if (ssh_pki_import_privkey_file(target.key_file.c_str(), nullptr, nullptr, nullptr, &raw) !=
      SSH_OK) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the key file {} cannot be used: it is damaged or of an unknown kind",
                            target.key_file.string()));
  }
  const std::unique_ptr<ssh_key_struct, decltype(&ssh_key_free)> key(raw, &ssh_key_free);
  int answer = SSH_AUTH_ERROR;
  if (!drive(session, deadline, SSH_AUTH_AGAIN, answer, [&] {
        return ssh_userauth_publickey(session, nullptr, key.get());
      })) {
    return fail(ErrorCode::timed_out, "log in: no answer in time");
  }
  return answer_to(answer, session, target, fmt::format("the key {}", target.key_file.string()));
}

Status log_in(ssh_session session, const Target& target, Deadline deadline) {
  if (target.key_file.empty()) {
    if (!agent_there(target)) {
      return fail(ErrorCode::invalid_input,
                  "there is no key to log in with: the inventory names no key file, and no agent "
                  "runs (SSH_AUTH_SOCK)");
    }
    return with_agent(session, target, deadline);
  }
  TRY_ASSIGN(const KeyFile kind, inspect_key_file(target.key_file), "log in");
  if (kind == KeyFile::plain) {
    return with_key_file(session, target, deadline);
  }
  if (!agent_there(target)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the key {} is encrypted, and no agent runs that could hold it: start "
                            "one and load the key "
                            "with ssh-add {}",
                            target.key_file.string(),
                            pasteable(target.key_file.string())));
  }
  auto logged_in = with_agent(session, target, deadline);
  if (!logged_in && logged_in.error().code() == ErrorCode::refused) {
    return fail(
        ErrorCode::refused,
        fmt::format(
            "the key {} is encrypted, and the host took none of the agent's keys; is it loaded "
            "(ssh-add {})?",
            target.key_file.string(),
            pasteable(target.key_file.string())));
  }
  return logged_in;
}

}  // namespace

void CloseSession::operator()(ssh_session_struct* session) const {
  ssh_free(session);
}

Result<RawSession> handshake(exec::UniqueFd socket, const Target& target, Deadline deadline) {
  RawSession session(ssh_new());
  HARNESS_ASSERT(session != nullptr);
  TRY(set_options(session.get(), socket.get(), target), "prepare");
  int answer = SSH_ERROR;
  const bool in_time = drive(session.get(), deadline, SSH_AGAIN, answer, [&] {
    const int now = ssh_connect(session.get());
    socket.release();
    return now;
  });
  if (!in_time) {
    return fail(ErrorCode::timed_out,
                "it accepts connections but does not finish the SSH handshake in time (is it "
                "overloaded, or not SSH?)");
  }
  if (answer != SSH_OK) {
    return fail(lost(session.get(), "SSH handshake"));
  }
  TRY(verify_host_key(session.get(), target), "");
  TRY(log_in(session.get(), target, deadline), "");
  return session;
}

}  // namespace harness::ssh
