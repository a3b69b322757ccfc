#include "harness/cluster/ssh_node.h"

#include <filesystem>

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/cluster/base64.h"
#include "harness/exec/local_runner.h"
#include "harness/guard/protocol.h"

namespace harness::cluster {
namespace {

// The guard ends a command that is late itself, and has this long to say so.
constexpr std::chrono::milliseconds kGuardSays{1500};
constexpr std::chrono::milliseconds kLongestExec{3'600'000};
constexpr std::chrono::milliseconds kRetryConnect{500};

class GuardStream final : public LineStream {
 public:
  GuardStream(std::unique_ptr<ssh::LineChannel> lines, std::string verb, std::string node)
      : lines_(std::move(lines)), verb_(std::move(verb)), node_(std::move(node)) {}

  Result<std::optional<Json>> next(Deadline deadline) override {
    TRY_ASSIGN(std::optional<std::string> line, lines_->next_line(deadline), node_);
    if (!line) {
      return std::optional<Json>();
    }
    TRY_ASSIGN(Json parsed, guard_line(verb_, *line), node_);
    if (json_string(parsed, "type") == "done") {
      return fail(ErrorCode::remote_failed, fmt::format("{}: guard {} has ended", node_, verb_));
    }
    return std::optional<Json>(std::move(parsed));
  }

 private:
  std::unique_ptr<ssh::LineChannel> lines_;
  std::string verb_;
  std::string node_;
};

}  // namespace

struct SshNode::Connection {
  std::unique_ptr<ssh::Session> session;
  std::mutex checking;
  std::optional<SteadyTime> checked;  // when the last good look at the guard began
};

SshNode::SshNode(SshNodeConfig config)
    : config_(std::move(config)),
      login_{.node = config_.target.name,
             .user = config_.target.user,
             .become_sudo = config_.become_sudo,
             .guard_path = config_.guard.path},
      http_([this](const std::string& host, int port, Deadline deadline) -> Result<http::Socket> {
        TRY_ASSIGN(auto pending, current()->session->forward_pending(host, port, deadline), name());
        return http::Socket{pending.fd.release(), std::move(pending.address)};
      }) {}

Result<std::unique_ptr<SshNode>> SshNode::connect(SshNodeConfig config, Deadline deadline) {
  std::unique_ptr<SshNode> node(new SshNode(std::move(config)));
  TRY_ASSIGN(node->connection_, node->open(deadline), "");
  const auto& ask_others = node->config_.before_replacing;
  const auto may_replace = [&] { return ask_others ? ask_others(deadline) : Status(); };
  TRY(node->guard_file(*node->connection_->session, deadline).install(may_replace), "");
  TRY_ASSIGN(node->boot_id_, node->boot_id(*node->connection_, deadline), "");
  return node;
}

std::shared_ptr<SshNode::Connection> SshNode::current() const {
  const std::lock_guard lock(mutex_);
  return connection_;
}

Result<std::shared_ptr<SshNode::Connection>> SshNode::open(Deadline deadline) const {
  auto connection = std::make_shared<Connection>();
  TRY_ASSIGN(
      connection->session, ssh::Session::connect(config_.target, deadline, config_.options), "");
  return connection;
}

GuardInstall SshNode::guard_file(ssh::Session& session, Deadline deadline) const {
  return {{.run = [&session,
                   deadline](const std::string& line) { return session.run(line, "", deadline); },
           .put =
               [&session, deadline](std::string_view bytes, const std::string& to) {
                 return session.upload_bytes(bytes, to, 0600, deadline);
               },
           .remove =
               [&session, deadline](const std::string& file) {
                 static_cast<void>(session.remove(file, deadline));
               }},
          login_,
          config_.guard,
          config_.cluster};
}

Status SshNode::check_lease(Deadline deadline) const {
  const auto connection = current();
  return guard_file(*connection->session, deadline).check_lease();
}

Status SshNode::check_guard(Connection& connection,
                            std::string_view verb,
                            Deadline deadline) const {
  const std::lock_guard lock(connection.checking);
  const SteadyTime now = std::chrono::steady_clock::now();
  const auto oldest = oldest_look(verb);
  if (connection.checked && (!oldest || now - *connection.checked < *oldest)) {
    return {};
  }
  TRY_ASSIGN(const std::string there, guard_file(*connection.session, deadline).hash(), "");
  if (there == config_.guard.sha256) {
    connection.checked = now;
    return {};
  }
  connection.checked.reset();
  if (there.empty()) {
    return fail(
        ErrorCode::refused,
        fmt::format(
            "{}: the guard is not at {} any more: it was released, or somebody removed it. Start "
            "hookshot again, which installs it",
            name(),
            config_.guard.path));
  }
  return fail(ErrorCode::refused,
              fmt::format("{}: the guard at {} was altered since it was installed: its SHA-256 is "
                          "{} and must be {}. "
                          "It is not run. Find out who changed it (it belongs to root, mode 0700); "
                          "then remove it and "
                          "start hookshot again, which installs it anew",
                          name(),
                          config_.guard.path,
                          there,
                          config_.guard.sha256));
}

Result<std::vector<Json>> SshNode::ask(Connection& connection,
                                       std::string_view verb,
                                       const Json& record,
                                       Deadline deadline,
                                       const std::stop_token& stop) const {
  if (!guard::known_verb(verb)) {
    return fail(ErrorCode::internal, fmt::format("'{}' is no verb of the guard", verb));
  }
  TRY_ASSIGN(
      const std::string input, encode_record(record), fmt::format("{}: guard {}", name(), verb));
  TRY(check_guard(connection, verb, deadline), "");
  const std::string command = as_root(login_, fmt::format("{} {}", config_.guard.path, verb));
  TRY_ASSIGN(const exec::CommandResult result,
             connection.session->run(command, input, deadline, stop),
             "");
  return guard_answer(verb, result, login_);
}

Result<std::string> SshNode::boot_id(Connection& connection, Deadline deadline) const {
  TRY_ASSIGN(const auto lines,
             ask(connection,
                 "facts",
                 {{"cluster", config_.cluster}, {"data_dir", config_.data_dir}},
                 deadline),
             "");
  std::string id = lines.empty() ? "" : json_string(lines.front(), "boot_id");
  if (id.empty()) {
    return fail(ErrorCode::remote_failed, name() + ": the guard tells no boot id");
  }
  return id;
}

Result<std::vector<Json>> SshNode::guard(std::string_view verb,
                                         const Json& record,
                                         Deadline deadline) {
  return ask(*current(), verb, record, deadline);
}

Result<std::unique_ptr<LineStream>> SshNode::guard_stream(std::string_view verb,
                                                          const Json& record,
                                                          Deadline deadline) {
  if (!guard::known_verb(verb)) {
    return fail(ErrorCode::internal, fmt::format("'{}' is no verb of the guard", verb));
  }
  TRY_ASSIGN(std::string input, encode_record(record), fmt::format("{}: guard {}", name(), verb));
  const auto connection = current();
  TRY(check_guard(*connection, verb, deadline), "");
  const std::string command = as_root(login_, fmt::format("{} {}", config_.guard.path, verb));
  TRY_ASSIGN(auto lines, connection->session->start(command, input + "\n", deadline), "");
  return std::make_unique<GuardStream>(std::move(lines), std::string(verb), name());
}

Result<exec::CommandResult> SshNode::run(const exec::Command& command,
                                         Deadline deadline,
                                         std::stop_token stop) {
  const auto left = deadline.left();
  const auto limit = std::clamp(left > kGuardSays * 2 ? left - kGuardSays : left / 2,
                                std::chrono::milliseconds(1),
                                kLongestExec);
  const auto lines =
      ask(*current(), "exec", exec_record(config_.cluster, command, limit), deadline, stop);
  const std::string doing = exec::describe(command);
  if (!lines) {
    const bool late =
        lines.error().code() == ErrorCode::remote_failed && deadline.left() <= left - limit;
    return fail(late ? Error(ErrorCode::timed_out, lines.error().message()) : lines.error(), doing);
  }
  exec::CommandResult result;
  bool ended = false;
  for (const Json& line : *lines) {
    const std::string type = json_string(line, "type");
    if (type == "output") {
      TRY_ASSIGN(const std::string bytes, from_base64(json_string(line, "b64")), doing);
      (json_string(line, "stream") == "err" ? result.err : result.out) += bytes;
    } else if (type == "exit") {
      ended = true;
      result.exit_status = static_cast<int>(json_int(line, "status"));
      result.signal = static_cast<int>(json_int(line, "signal"));
    }
  }
  if (!ended) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{}: {}: the guard does not say how it ended", name(), doing));
  }
  return result;
}

Result<std::string> SshNode::read_file(const std::string& path, Deadline deadline) {
  TRY_ASSIGN(const auto lines,
             guard("read", {{"cluster", config_.cluster}, {"path", path}}, deadline),
             "read " + path);
  if (lines.empty()) {
    return fail(ErrorCode::remote_failed, fmt::format("{}: read {}: no content", name(), path));
  }
  return from_base64(json_string(lines.front(), "b64"));
}

Status SshNode::upload(const std::filesystem::path& local,
                       const std::string& remote,
                       int mode,
                       Deadline deadline,
                       std::stop_token stop) {
  const std::string doing = fmt::format("upload {} to {}", local.string(), name());
  exec::LocalRunner here;
  TRY_ASSIGN(
      const exec::CommandResult sum,
      here.run({.argv = {"sha256sum", "--", std::filesystem::absolute(local).string()}}, deadline),
      doing);
  if (!sum.ok()) {
    return fail(ErrorCode::invalid_input, fmt::format("{}: {}", doing, sum.err));
  }
  // sha256sum begins a line with a backslash when it had to escape the name.
  const std::string sha256 = sum.out.substr(sum.out.starts_with('\\') ? 1 : 0, 64);
  const auto connection = current();
  TRY_ASSIGN(const std::string home, landing(deadline), doing);
  const std::string staged = home + "/" + staging_name();
  TRY(connection->session->upload(local, staged, 0600, deadline, stop), doing);
  auto placed = put_in_place(staged, remote, mode, sha256, deadline);
  static_cast<void>(connection->session->remove(staged, deadline));
  TRY(placed, doing);
  return {};
}

Result<std::string> SshNode::landing(Deadline deadline) {
  TRY_ASSIGN(std::string home,
             current()->session->absolute(".", deadline),
             fmt::format("{}: the home of {}", name(), login_.user));
  return home;
}

Status SshNode::put_in_place(const std::string& staged,
                             const std::string& remote,
                             int mode,
                             const std::string& sha256,
                             Deadline deadline) {
  const std::string octal = fmt::format("{:04o}", mode);
  TRY_ASSIGN(const exec::CommandResult installed,
             run({.argv = {"/usr/bin/install",
                           "-D",
                           "-T",
                           "-m",
                           octal,
                           "-o",
                           "root",
                           "-g",
                           "root",
                           "--",
                           staged,
                           remote}},
                 deadline),
             "");
  if (!installed.ok()) {
    return fail(ErrorCode::remote_failed, fmt::format("put it at {}: {}", remote, installed.err));
  }
  TRY_ASSIGN(const exec::CommandResult sum,
             run({.argv = {"/usr/bin/sha256sum", "--", remote}}, deadline),
             "");
  const std::string there = sum.out.substr(sum.out.starts_with('\\') ? 1 : 0, 64);
  if (!sum.ok() || there != sha256) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} arrived damaged: its SHA-256 is {} and must be {} {}",
                            remote,
                            there,
                            sha256,
                            sum.err));
  }
  return {};
}

Result<HttpResponse> SshNode::http(const HttpRequest& request, Deadline deadline) {
  const auto connection = current();
  auto response = http_.send(request, deadline);
  if (response) {
    return response;
  }
  const Error& problem = response.error();
  const ssh::Session& session = *connection->session;
  if (problem.code() == ErrorCode::remote_failed && !session.connected()) {
    return fail(
        ErrorCode::unreachable,
        fmt::format("{}: connection lost: {} ({})", name(), session.loss(), problem.message()));
  }
  if (problem.code() == ErrorCode::timed_out &&
      session.silent_for() > config_.options.keepalive * 3) {
    return fail(ErrorCode::unreachable,
                fmt::format("{}: the node itself is silent ({})", name(), problem.message()));
  }
  return response;
}

bool SshNode::connected() const {
  return current()->session->connected();
}

Result<Reconnected> SshNode::reconnect(Deadline deadline) {
  const std::lock_guard one_at_a_time(reconnecting_);
  std::string id;
  const auto back = eventually(
      name() + " answering again", deadline, kRetryConnect, [&]() -> Result<Observation> {
        std::shared_ptr<Connection> connection = current();
        if (!connection->session->connected()) {
          auto opened = open(deadline);
          if (!opened) {
            const ErrorCode code = opened.error().code();
            if (code == ErrorCode::refused || code == ErrorCode::invalid_input) {
              return fail(std::move(opened).error());
            }
            return Observation{false, opened.error().message()};
          }
          connection = std::move(*opened);
        }
        auto found = boot_id(*connection, deadline);
        if (!found) {
          if (found.error().code() != ErrorCode::unreachable &&
              found.error().code() != ErrorCode::timed_out) {
            return fail(std::move(found).error());
          }
          return Observation{false, found.error().message()};
        }
        id = *found;
        const std::lock_guard lock(mutex_);
        connection_ = connection;
        return Observation{true, id};
      });
  TRY(back, fmt::format("reconnect to {}", name()));
  http_.clear();
  const std::lock_guard lock(mutex_);
  const bool rebooted = id != boot_id_;
  boot_id_ = id;
  return Reconnected{.boot_id = id, .rebooted = rebooted};
}

}  // namespace harness::cluster
