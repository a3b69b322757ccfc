#include "harness/ssh/session.h"

#include <array>
#include <csignal>
#include <fstream>
#include <random>

#include <fmt/format.h>

#include "harness/ssh/dial.h"
#include "harness/ssh/handshake.h"
#include "harness/ssh/reactor.h"
#include "harness/ssh/sftp.h"

namespace harness::ssh {
namespace {

constexpr std::size_t kUploadBlock = 256u << 10;
constexpr std::size_t kErrShown = 400;

class Abandon {
 public:
  explicit Abandon(Channel& channel) : channel_(channel) {}

  Abandon(const Abandon&) = delete;
  Abandon& operator=(const Abandon&) = delete;

  ~Abandon() { channel_.abandon(); }

 private:
  Channel& channel_;
};

int signal_number(const std::string& name) {
  constexpr std::array<std::pair<std::string_view, int>, 13> names = {{{"ABRT", SIGABRT},
                                                                       {"ALRM", SIGALRM},
                                                                       {"FPE", SIGFPE},
                                                                       {"HUP", SIGHUP},
                                                                       {"ILL", SIGILL},
                                                                       {"INT", SIGINT},
                                                                       {"KILL", SIGKILL},
                                                                       {"PIPE", SIGPIPE},
                                                                       {"QUIT", SIGQUIT},
                                                                       {"SEGV", SIGSEGV},
                                                                       {"TERM", SIGTERM},
                                                                       {"USR1", SIGUSR1},
                                                                       {"USR2", SIGUSR2}}};
  for (const auto& [known, number] : names) {
    if (name == known) {
      return number;
    }
  }
  return SIGRTMAX;
}

std::string last_part(const std::string& text) {
  std::string part = text.substr(text.size() - std::min(text.size(), kErrShown));
  while (!part.empty() && (part.back() == '\n' || part.back() == '\r')) {
    part.pop_back();
  }
  return part;
}

std::string random_suffix() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

Error without_status(const std::string& name, const std::string& what) {
  return {ErrorCode::unreachable,
          fmt::format("connection to {} lost in the middle of: {} (its channel was closed without "
                      "an exit status)",
                      name,
                      what)};
}

class Lines final : public LineChannel {
 public:
  Lines(std::shared_ptr<Channel> channel, std::string name)
      : channel_(std::move(channel)), name_(std::move(name)) {}

  ~Lines() override { channel_->abandon(); }

  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  Result<std::optional<std::string>> next_line(Deadline deadline) override {
    while (true) {
      const std::size_t end = text_.find('\n', searched_);
      if (end != std::string::npos) {
        std::string line = text_.substr(begin_, end - begin_);
        begin_ = searched_ = end + 1;
        return std::optional(std::move(line));
      }
      text_.erase(0, begin_);
      begin_ = 0;
      searched_ = text_.size();
      auto more = channel_->read(text_, deadline);
      if (!more && more.error().code() == ErrorCode::timed_out) {
        return std::optional<std::string>();
      }
      TRY(more, "");
      if (!*more) {
        return last_words(deadline);
      }
    }
  }

  Status write(std::string_view bytes, Deadline deadline) override {
    return channel_->write(bytes, deadline);
  }

  void finish_input() override { channel_->finish_input(); }

 private:
  Result<std::optional<std::string>> last_words(Deadline deadline) {
    if (!text_.empty()) {
      searched_ = 0;
      return std::optional(std::exchange(text_, {}));
    }
    TRY_ASSIGN(const ChannelEnd end, channel_->wait_end(deadline), "");
    if (!end.status && end.signal.empty()) {
      return fail(without_status(name_, channel_->spec().what));
    }
    const std::string said = last_part(channel_->take_err());
    return fail(ErrorCode::remote_failed,
                fmt::format("{} has ended ({}){}{}",
                            channel_->spec().what,
                            end.status ? fmt::format("exit status {}", *end.status)
                                       : "signal " + end.signal,
                            said.empty() ? "" : ": ",
                            said));
  }

  std::shared_ptr<Channel> channel_;
  std::string name_;
  std::string text_;
  std::size_t begin_ = 0;
  std::size_t searched_ = 0;
};

}  // namespace

struct Session::Parts {
  Target target;
  Options options;
  std::unique_ptr<Session> jump;  // outlives the reactor, whose socket it carries
  std::unique_ptr<Reactor> reactor;

  std::string name() const { return target.name.empty() ? target.host : target.name; }

  Result<Sftp> sftp(const std::string& what, Deadline deadline) const {
    return Sftp::start(
        reactor->open({.purpose = Purpose::subsystem, .what = what, .command = "sftp"}), deadline);
  }

  Result<std::shared_ptr<Channel>> open_forward(const std::string& host,
                                                int port,
                                                bool pending,
                                                Deadline deadline) const {
    auto channel = reactor->open({.purpose = Purpose::forward,
                                  .what = fmt::format("connect to {}:{} there", host, port),
                                  .host = host,
                                  .port = port,
                                  .pending = pending});
    if (auto opened = channel->wait_open(deadline); !opened) {
      channel->abandon();
      return fail(std::move(opened).error());
    }
    return channel;
  }

  Status store(const std::string& remote,
               int mode,
               const Sftp::Source& source,
               Deadline deadline) const {
    const std::string what = "upload " + remote;
    TRY_ASSIGN(Sftp files, sftp(what, deadline), name());
    TRY(files.write(remote, remote + ".part-" + random_suffix(), mode, source, deadline),
        fmt::format("{}: upload", name()));
    return {};
  }
};

Session::Session(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Session::~Session() = default;

const Target& Session::target() const {
  return parts_->target;
}

bool Session::connected() const {
  return parts_->reactor->alive();
}

std::chrono::milliseconds Session::silent_for() const {
  return parts_->reactor->silent_for();
}

std::string Session::loss() const {
  return parts_->reactor->loss();
}

Result<std::unique_ptr<Session>> Session::connect(const Target& target,
                                                  Deadline deadline,
                                                  const Options& options) {
  TRY(validate(target), "connect");
  const Deadline soon = deadline.at_most(options.connect_timeout);
  const std::string doing = "connect to " + describe(target);
  auto parts = std::make_unique<Parts>();
  parts->target = target;
  parts->options = options;
  exec::UniqueFd socket;
  if (target.jump) {
    TRY_ASSIGN(parts->jump, connect(*target.jump, soon, options), doing);
    auto forwarded = parts->jump->forward(target.host, target.port, soon);
    if (!forwarded) {
      const Error& problem = forwarded.error();
      const bool answered = problem.code() == ErrorCode::remote_failed;
      return fail(Error(answered ? ErrorCode::unreachable : problem.code(), problem.message()),
                  doing);
    }
    socket = std::move(*forwarded);
  } else {
    TRY_ASSIGN(socket, dial(target.host, target.port, options.dead_after, soon), doing);
  }
  TRY_ASSIGN(RawSession raw, handshake(std::move(socket), target, soon), doing);
  parts->reactor = std::make_unique<Reactor>(std::move(raw), parts->name(), options);
  return std::unique_ptr<Session>(new Session(std::move(parts)));
}

Result<exec::CommandResult> Session::run(const std::string& command_line,
                                         std::string_view input,
                                         Deadline deadline,
                                         const std::stop_token& stop) {
  const auto channel = parts_->reactor->open({.purpose = Purpose::command,
                                              .what = command_line,
                                              .command = command_line,
                                              .input = std::string(input),
                                              .finish_input = true,
                                              .overflow = Overflow::drop,
                                              .cap = parts_->options.output_cap});
  const Abandon always(*channel);
  const auto end = channel->wait_end(deadline, stop);
  if (!end) {
    const std::string said = last_part(channel->take_err());
    const bool late = end.error().code() == ErrorCode::timed_out;
    return fail(late ? Error(ErrorCode::timed_out,
                             fmt::format("{}: {}{}{}",
                                         parts_->name(),
                                         end.error().message(),
                                         said.empty() ? "" : "; it said: ",
                                         said))
                     : end.error());
  }
  if (!end->status && end->signal.empty()) {
    return fail(without_status(parts_->name(), command_line));
  }
  exec::CommandResult result;
  result.exit_status = end->status.value_or(0);
  result.signal = end->signal.empty() ? 0 : signal_number(end->signal);
  result.out = channel->take_out();
  result.err = channel->take_err();
  result.cut = channel->cut();
  return result;
}

Result<std::unique_ptr<LineChannel>> Session::start(const std::string& command_line,
                                                    std::string_view input,
                                                    Deadline deadline) {
  auto channel = parts_->reactor->open({.purpose = Purpose::command,
                                        .what = command_line,
                                        .command = command_line,
                                        .input = std::string(input)});
  if (auto opened = channel->wait_open(deadline); !opened) {
    channel->abandon();
    return fail(std::move(opened).error(), parts_->name());
  }
  return std::make_unique<Lines>(std::move(channel), parts_->name());
}

Result<exec::UniqueFd> Session::forward(const std::string& host, int port, Deadline deadline) {
  TRY_ASSIGN(const auto channel, parts_->open_forward(host, port, false, deadline), "");
  return channel->take_local();
}

Result<Session::PendingSocket> Session::forward_pending(const std::string& host,
                                                        int port,
                                                        Deadline deadline) {
  TRY_ASSIGN(const auto channel, parts_->open_forward(host, port, true, deadline), "");
  return PendingSocket{channel->take_local(), channel->local_address()};
}

Status Session::upload(const std::filesystem::path& local,
                       const std::string& remote,
                       int mode,
                       Deadline deadline,
                       const std::stop_token& stop) {
  std::ifstream file(local, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::invalid_input,
                fmt::format("upload {}: it cannot be read", local.string()));
  }
  return parts_->store(
      remote,
      mode,
      [&](std::string& block) -> Status {
        if (stop.stop_requested()) {
          return fail(ErrorCode::refused, "interrupted");
        }
        block.resize(kUploadBlock);
        file.read(block.data(), static_cast<std::streamsize>(block.size()));
        block.resize(static_cast<std::size_t>(file.gcount()));
        if (file.bad()) {
          return fail(ErrorCode::invalid_input, fmt::format("{}: read error", local.string()));
        }
        return {};
      },
      deadline);
}

Status Session::upload_bytes(std::string_view bytes,
                             const std::string& remote,
                             int mode,
                             Deadline deadline) {
  return parts_->store(
      remote,
      mode,
      [&bytes](std::string& block) -> Status {
        block = bytes.substr(0, kUploadBlock);
        bytes.remove_prefix(block.size());
        return {};
      },
      deadline);
}

Result<std::string> Session::read(const std::string& remote, std::size_t cap, Deadline deadline) {
  TRY_ASSIGN(Sftp files, parts_->sftp("read " + remote, deadline), parts_->name());
  TRY_ASSIGN(std::string content, files.read(remote, cap, deadline), parts_->name() + ": read");
  return content;
}

Status Session::remove(const std::string& remote, Deadline deadline) {
  TRY_ASSIGN(Sftp files, parts_->sftp("remove " + remote, deadline), parts_->name());
  TRY(files.remove(remote, deadline), parts_->name() + ": remove");
  return {};
}

Result<std::string> Session::absolute(const std::string& remote, Deadline deadline) {
  TRY_ASSIGN(Sftp files, parts_->sftp("find " + remote, deadline), parts_->name());
  TRY_ASSIGN(std::string path, files.absolute(remote, deadline), parts_->name() + ": find");
  return path;
}

}  // namespace harness::ssh
