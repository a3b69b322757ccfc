#include "harness/ssh/link.h"

#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace harness::ssh {
namespace {

constexpr std::size_t kSendAtOnce = 256u << 10;
constexpr std::size_t kLocalCap = 1u << 20;
constexpr std::chrono::seconds kConnectWithin{30};

std::size_t write_some(ssh_channel handle, const std::string& bytes) {
  const int count =
      ssh_channel_write(handle, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace

Link::Link(ssh_session session, std::shared_ptr<Channel> channel)
    : session_(session), channel_(std::move(channel)) {
  ssh_callbacks_init(&callbacks_);
  callbacks_.userdata = this;
  callbacks_.channel_data_function = &Link::on_data;
  callbacks_.channel_eof_function = &Link::on_eof;
  callbacks_.channel_close_function = &Link::on_close;
  callbacks_.channel_exit_status_function = &Link::on_status;
  callbacks_.channel_exit_signal_function = &Link::on_signal;
}

Link::~Link() {
  stop_listening();
  if (handle_ != nullptr) {
    ssh_remove_channel_callbacks(handle_, &callbacks_);
    ssh_channel_free(handle_);
  }
}

Link::Progress Link::advance(bool may_send) {
  sent_ = false;
  if (step_ == Step::queued || step_ == Step::opening) {
    if (channel_->abandoned() && step_ == Step::queued) {
      return Progress::over;
    }
    // A channel that is being opened is waited for even when nobody wants it any more: libssh
    // cannot forget it before the host has answered.
    if (const Progress now = open(); now != Progress::going || step_ == Step::opening) {
      return now;
    }
  }
  if (channel_->abandoned()) {
    return Progress::over;
  }
  if (step_ == Step::requesting) {
    if (const Progress now = request(); now != Progress::going) {
      return now;
    }
  }
  refill();
  if (may_send && !remote_closed_) {
    flush();
  }
  if (!finished()) {
    return Progress::going;
  }
  channel_->set_ended();
  return Progress::over;
}

Link::Progress Link::open() {
  const ChannelSpec& spec = channel_->spec();
  if (step_ == Step::queued) {
    handle_ = ssh_channel_new(session_);
    HARNESS_ASSERT(handle_ != nullptr);
    ssh_add_channel_callbacks(handle_, &callbacks_);
    step_ = Step::opening;
  }
  const int answer =
      spec.purpose == Purpose::forward
          ? ssh_channel_open_forward(handle_, spec.host.c_str(), spec.port, "127.0.0.1", 0)
          : ssh_channel_open_session(handle_);
  if (answer == SSH_AGAIN) {
    return Progress::going;
  }
  if (answer != SSH_OK) {
    if (ssh_get_error_code(session_) != SSH_REQUEST_DENIED) {
      return Progress::lost;
    }
    denial_ = ssh_get_error(session_);
    ssh_remove_channel_callbacks(handle_, &callbacks_);
    ssh_channel_free(handle_);
    handle_ = nullptr;
    step_ = Step::queued;
    return Progress::denied;
  }
  if (spec.purpose == Purpose::forward) {
    opened();
  } else {
    step_ = Step::requesting;
  }
  return Progress::going;
}

Link::Progress Link::request() {
  const ChannelSpec& spec = channel_->spec();
  const int answer = spec.purpose == Purpose::subsystem
                         ? ssh_channel_request_subsystem(handle_, spec.command.c_str())
                         : ssh_channel_request_exec(handle_, spec.command.c_str());
  if (answer == SSH_OK) {
    opened();
  } else if (answer != SSH_AGAIN) {
    if (ssh_get_error_code(session_) != SSH_REQUEST_DENIED) {
      return Progress::lost;
    }
    channel_->set_failed(Error(
        ErrorCode::remote_failed,
        fmt::format("{}: the host refused to start it ({})",
                    spec.what,
                    spec.purpose == Purpose::subsystem ? "is its Subsystem set in sshd_config?"
                                                       : "sshd allows no commands here")));
    return Progress::over;
  }
  return Progress::going;
}

void Link::opened() {
  step_ = Step::running;
  if (channel_->spec().purpose != Purpose::forward) {
    channel_->set_open({}, {});
    return;
  }
  if (channel_->spec().pending) {
    listen();
    return;
  }
  std::array<int, 2> ends{-1, -1};
  ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data());
  local_.reset(ends[0]);
  channel_->set_open(exec::UniqueFd(ends[1]), {});
}

// In a folder of our own, since libcurl does not keep connections to addresses without a name. Who
// connects is checked by accept_local.
void Link::listen() {
  constexpr int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  exec::UniqueFd theirs(::socket(AF_UNIX, type, 0));
  std::string folder = "/tmp/hookshot-XXXXXX";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (::mkdtemp(folder.data()) == nullptr) {
    return;
  }
  local_folder_ = folder;
  const std::string path = folder + "/s";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  local_.reset(::socket(AF_UNIX, type, 0));
  if (::bind(local_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(local_.get(), 4) != 0) {
    local_.reset();
    return;
  }
  listening_ = true;
  connect_by_ = Deadline::after(kConnectWithin);
  channel_->set_open(std::move(theirs),
                     std::string(reinterpret_cast<char*>(&address), sizeof address));
}

void Link::stop_listening() {
  listening_ = false;
  if (!local_folder_.empty()) {
    ::unlink((local_folder_ + "/s").c_str());
    ::rmdir(local_folder_.c_str());
    local_folder_.clear();
  }
}

void Link::accept_local() {
  exec::UniqueFd accepted(::accept4(local_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  ucred peer{};
  socklen_t size = sizeof peer;
  if (accepted && ::getsockopt(accepted.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
      peer.pid == ::getpid()) {
    local_ = std::move(accepted);
    stop_listening();
  }
}

void Link::flush() {
  if (channel_->spec().purpose == Purpose::forward) {
    if (!from_local_.empty() && ssh_channel_window_size(handle_) > 0) {
      const std::size_t count = write_some(handle_, from_local_);
      from_local_.erase(0, count);
      sent_ = count > 0;
    }
    if (local_eof_ && from_local_.empty() && !local_eof_sent_) {
      local_eof_sent_ = true;
      ssh_channel_send_eof(handle_);
      sent_ = true;
    }
    return;
  }
  const std::size_t window = ssh_channel_window_size(handle_);
  Channel::Outgoing outgoing = channel_->take_outgoing(std::min(kSendAtOnce, window));
  if (!outgoing.bytes.empty()) {
    const std::size_t count = write_some(handle_, outgoing.bytes);
    sent_ = count > 0;
    if (count < outgoing.bytes.size()) {
      channel_->unsent(outgoing.bytes.substr(count));
      return;
    }
  }
  if (outgoing.finished) {
    ssh_channel_send_eof(handle_);
    sent_ = true;
  }
}

void Link::refill() {
  std::array<char, 65536> block{};
  const auto room = [this] {
    return channel_->spec().purpose == Purpose::forward ? to_local_.size() < kLocalCap
                                                        : channel_->has_room();
  };
  while (stalled_ && room()) {
    stalled_ = false;
    const int count = ssh_channel_read_nonblocking(handle_, block.data(), block.size(), 0);
    if (count > 0) {
      stalled_ = true;
      const std::string_view rest(block.data(), static_cast<std::size_t>(count));
      if (channel_->spec().purpose == Purpose::forward) {
        to_local_ += rest;
      } else {
        channel_->deliver_all(rest);
      }
    }
  }
  send_local();
}

bool Link::finished() const {
  if (channel_->spec().purpose == Purpose::forward) {
    const bool nobody_reads = !local_;
    return (remote_closed_ && !stalled_ && to_local_.empty()) ||
           (step_ == Step::running && nobody_reads);
  }
  return remote_closed_ && !stalled_;
}

void Link::fail(const Error& error) {
  channel_->set_failed(error);
  local_.reset();
}

std::size_t Link::take(std::string_view bytes, bool is_err) {
  if (channel_->spec().purpose != Purpose::forward) {
    return channel_->abandoned() ? bytes.size() : channel_->deliver(bytes, is_err);
  }
  const std::size_t room = kLocalCap - std::min(kLocalCap, to_local_.size());
  to_local_.append(bytes.substr(0, room));
  return std::min(room, bytes.size());
}

short Link::local_events() const {
  if (listening_) {
    return POLLIN;
  }
  short events = 0;
  if (!local_eof_ && from_local_.size() < kLocalCap) {
    events |= POLLIN;
  }
  if (!to_local_.empty()) {
    events |= POLLOUT;
  }
  return events;
}

void Link::on_local(short events) {
  if (listening_) {
    accept_local();
    return;
  }
  if ((events & POLLOUT) != 0) {
    send_local();
  }
  if ((events & POLLIN) != 0) {
    receive_local();
  }
  if ((events & (POLLHUP | POLLERR)) != 0 && (events & POLLIN) == 0) {
    local_.reset();
  }
}

void Link::send_local() {
  if (listening_ && connect_by_.passed()) {
    local_.reset();
  }
  if (!local_) {
    to_local_.clear();
  }
  if (!local_ || listening_) {
    return;
  }
  while (!to_local_.empty()) {
    const ssize_t count = ::send(local_.get(), to_local_.data(), to_local_.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0 && errno != EAGAIN) {
      local_.reset();
      to_local_.clear();
    }
    if (count <= 0) {
      return;
    }
    to_local_.erase(0, static_cast<std::size_t>(count));
  }
  if (remote_eof_ && !stalled_ && !local_shut_ && local_) {
    local_shut_ = true;
    ::shutdown(local_.get(), SHUT_WR);
  }
}

void Link::receive_local() {
  std::array<char, 65536> block{};
  while (from_local_.size() < kLocalCap) {
    const ssize_t count = ::recv(local_.get(), block.data(), block.size(), 0);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count == 0 || (count < 0 && errno != EAGAIN)) {
      local_eof_ = true;
    }
    if (count <= 0) {
      return;
    }
    from_local_.append(block.data(), static_cast<std::size_t>(count));
  }
}

int Link::on_data(
    ssh_session, ssh_channel, void* data, std::uint32_t size, int is_err, void* self) {
  Link& link = *static_cast<Link*>(self);
  if (link.stalled_ && is_err == 0) {
    return 0;
  }
  const std::size_t taken = link.take({static_cast<const char*>(data), size}, is_err != 0);
  link.stalled_ = link.stalled_ || taken < size;
  return static_cast<int>(taken);
}

void Link::on_eof(ssh_session, ssh_channel, void* self) {
  static_cast<Link*>(self)->remote_eof_ = true;
}

void Link::on_close(ssh_session, ssh_channel, void* self) {
  static_cast<Link*>(self)->remote_eof_ = true;
  static_cast<Link*>(self)->remote_closed_ = true;
}

void Link::on_status(ssh_session, ssh_channel, int status, void* self) {
  static_cast<Link*>(self)->channel_->set_status(status);
}

void Link::on_signal(
    ssh_session, ssh_channel, const char* signal, int, const char*, const char*, void* self) {
  static_cast<Link*>(self)->channel_->set_signal(signal != nullptr ? signal : "?");
}

}  // namespace harness::ssh
