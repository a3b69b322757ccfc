#include "harness/ssh/reactor.h"

#include <algorithm>
#include <atomic>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <libssh/server.h>
#include <poll.h>
#include <sys/socket.h>

#include "harness/ssh/link.h"

namespace harness::ssh {
namespace {

using Clock = std::chrono::steady_clock;

// A host that opens no channel although none of ours is open is asked again this often, one
// keepalive apart: sshd counts a session until it has reaped its process, which may be later than
// its end.
constexpr int kLonelyDenials = 3;
constexpr int kReadsAtOnce = 256;

struct CloseEvent {
  void operator()(ssh_event event) const { ssh_event_free(event); }
};

}  // namespace

class Reactor::Loop {
 public:
  Loop(RawSession session, std::string name, const Options& options)
      : session_(std::move(session)),
        event_(ssh_event_new()),
        name_(std::move(name)),
        options_(options),
        waker_(std::make_shared<const Waker>()) {
    HARNESS_ASSERT(event_ != nullptr);
    ssh_set_counters(session_.get(), &counter_, nullptr);
    HARNESS_ASSERT(ssh_event_add_session(event_.get(), session_.get()) == SSH_OK);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  ~Loop() {
    thread_.request_stop();
    waker_->wake();
    thread_.join();
  }

  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  std::shared_ptr<Channel> open(ChannelSpec spec) {
    auto channel = std::make_shared<Channel>(std::move(spec), waker_);
    {
      const std::lock_guard lock(mutex_);
      if (!loss_.empty()) {
        channel->set_failed(
            Error(ErrorCode::unreachable,
                  fmt::format(
                      "{}: the connection to {} is down: {}", channel->spec().what, name_, loss_)));
        return channel;
      }
      posted_.push_back(channel);
    }
    waker_->wake();
    return channel;
  }

  bool alive() const { return alive_; }

  std::chrono::milliseconds silent_for() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - last_heard_.load());
  }

  std::string loss() const {
    const std::lock_guard lock(mutex_);
    return loss_;
  }

 private:
  void run(const std::stop_token& stop) {
    heard_ = next_tick_ = Clock::now();
    while (!stop.stop_requested() && reason_.empty()) {
      take_posted();
      advance_all();
      if (reason_.empty()) {
        wait();
        keep_alive();
      }
    }
    give_up(reason_.empty() ? "closed by hookshot" : reason_);
  }

  void take_posted() {
    const std::lock_guard lock(mutex_);
    for (auto& channel : posted_) {
      links_.push_back(std::make_unique<Link>(session_.get(), std::move(channel)));
    }
    posted_.clear();
  }

  // Again and again while bytes come in, since each call into libssh may take in packets for any
  // link.
  void advance_all() {
    std::uint64_t before = 0;
    do {
      before = counter_.in_bytes;
      const bool may_send = (ssh_get_poll_flags(session_.get()) & SSH_WRITE_PENDING) == 0;
      for (auto link = links_.begin(); link != links_.end();) {
        const bool keep = advance(**link, may_send);
        link = keep ? std::next(link) : links_.erase(link);
      }
      look_at_session();
    } while (counter_.in_bytes != before && reason_.empty());
  }

  // False when the link is to be removed.
  bool advance(Link& link, bool may_send) {
    if (link.needs_slot() && !link.begun() && slots_full_) {
      return !link.channel().abandoned();
    }
    switch (link.advance(may_send)) {
      case Link::Progress::going:
        lonely_denials_ = link.begun() ? 0 : lonely_denials_;
        return true;
      case Link::Progress::over:
        slots_full_ = slots_full_ && !link.needs_slot();
        return false;
      case Link::Progress::lost:
        note_loss();
        return true;
      case Link::Progress::denied:
        break;
    }
    if (link.needs_slot() && (other_slot_taken(link) || ++lonely_denials_ < kLonelyDenials)) {
      slots_full_ = true;
      return true;
    }
    link.fail(Error(ErrorCode::remote_failed,
                    fmt::format("{}: {} opens no channel: {}",
                                link.channel().spec().what,
                                name_,
                                denial_text(link.denial()))));
    return false;
  }

  bool other_slot_taken(const Link& link) const {
    return std::any_of(links_.begin(), links_.end(), [&](const auto& other) {
      return other.get() != &link && other->needs_slot() && other->begun();
    });
  }

  static std::string denial_text(const std::string& said) {
    const std::size_t at = said.find(") ");
    const std::string text = at == std::string::npos ? said : said.substr(at + 2);
    const bool prohibited = said.find("error (1)") != std::string::npos;
    return prohibited ? text +
                            " (forbidden by sshd_config there: AllowTcpForwarding, PermitOpen, "
                            "MaxSessions)"
                      : text;
  }

  void wait() {
    polled_.clear();
    const int flags = ssh_get_poll_flags(session_.get());
    const bool writes = (flags & SSH_WRITE_PENDING) != 0;
    polled_.push_back(
        {ssh_get_fd(session_.get()), static_cast<short>(POLLIN | (writes ? POLLOUT : 0)), 0});
    polled_.push_back({waker_->fd(), POLLIN, 0});
    polled_links_.clear();
    for (const auto& link : links_) {
      if (link->local_fd() >= 0) {
        polled_.push_back({link->local_fd(), link->local_events(), 0});
        polled_links_.push_back(link.get());
      }
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_tick_ - Clock::now());
    ::poll(polled_.data(), polled_.size(), std::max(0, static_cast<int>(left.count())));
    if (polled_[1].revents != 0) {
      waker_->drain();
    }
    if (polled_[0].revents != 0) {
      pump((polled_[0].revents & ~POLLOUT) != 0);
    }
    for (std::size_t i = 0; i < polled_links_.size(); ++i) {
      if (polled_[i + 2].revents != 0) {
        polled_links_[i]->on_local(polled_[i + 2].revents);
      }
    }
  }

  void pump(bool readable) {
    const std::uint64_t before = counter_.in_bytes;
    for (int i = 0; i < kReadsAtOnce; ++i) {
      const std::uint64_t here = counter_.in_bytes;
      if (ssh_event_dopoll(event_.get(), 0) == SSH_ERROR) {
        note_loss();
        return;
      }
      if (counter_.in_bytes == here) {
        break;
      }
    }
    if (readable && counter_.in_bytes == before && !readable_by_libssh()) {
      note_loss();
    }
  }

  // The socket has something to read and libssh did not read it: is that the end?
  bool readable_by_libssh() const {
    char byte = 0;
    const int fd = ssh_get_fd(session_.get());
    const ssize_t count = fd < 0 ? 0 : ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count < 0) {
      return errno == EAGAIN || errno == EINTR;
    }
    return count > 0 && (ssh_get_poll_flags(session_.get()) & SSH_READ_PENDING) != 0;
  }

  void look_at_session() {
    if (ssh_is_connected(session_.get()) == 0 || ssh_get_fd(session_.get()) < 0) {
      note_loss();
    }
  }

  void note_loss() {
    if (reason_.empty()) {
      const char* said = ssh_get_error(session_.get());
      const bool known =
          said != nullptr && *said != '\0' && ssh_get_error_code(session_.get()) == SSH_FATAL;
      reason_ = known ? said : "the host closed it";
    }
  }

  void keep_alive() {
    const auto now = Clock::now();
    if (counter_.in_bytes != heard_bytes_) {
      heard_bytes_ = counter_.in_bytes;
      heard_ = now;
      last_heard_ = now;
      unanswered_ = 0;
    }
    if (now < next_tick_ || !reason_.empty()) {
      return;
    }
    next_tick_ = now + options_.keepalive;
    slots_full_ = false;
    if (now - heard_ >= options_.dead_after &&
        unanswered_ * options_.keepalive >= options_.dead_after / 2) {
      reason_ = fmt::format("no answer to keepalives for {:.1f} s",
                            std::chrono::duration<double>(now - heard_).count());
      return;
    }
    ++unanswered_;
    ssh_send_keepalive(session_.get());
  }

  void give_up(const std::string& why) {
    std::vector<std::shared_ptr<Channel>> late;
    {
      const std::lock_guard lock(mutex_);
      loss_ = why;
      late = std::exchange(posted_, {});
    }
    alive_ = false;
    const auto error = [&](const Channel& channel) {
      return Error(
          ErrorCode::unreachable,
          fmt::format(
              "connection to {} lost in the middle of: {} ({})", name_, channel.spec().what, why));
    };
    for (const auto& channel : late) {
      channel->set_failed(error(*channel));
    }
    for (const auto& link : links_) {
      link->fail(error(link->channel()));
    }
    links_.clear();
    ssh_event_remove_session(event_.get(), session_.get());
    event_.reset();
    session_.reset();
  }

  RawSession session_;
  std::unique_ptr<ssh_event_struct, CloseEvent> event_;
  const std::string name_;
  const Options options_;
  const std::shared_ptr<const Waker> waker_;
  ssh_counter_struct counter_{};
  std::list<std::unique_ptr<Link>> links_;
  std::vector<pollfd> polled_;
  std::vector<Link*> polled_links_;
  bool slots_full_ = false;
  int lonely_denials_ = 0;
  Clock::time_point heard_;
  Clock::time_point next_tick_;
  std::uint64_t heard_bytes_ = 0;
  int unanswered_ = 0;
  std::string reason_;  // why the loop ends

  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Channel>> posted_;
  std::string loss_;
  std::atomic<bool> alive_ = true;
  std::atomic<Clock::time_point> last_heard_ = Clock::now();
  std::jthread thread_;
};

Reactor::Reactor(RawSession session, std::string name, const Options& options)
    : loop_(std::make_unique<Loop>(std::move(session), std::move(name), options)) {}

Reactor::~Reactor() = default;

std::shared_ptr<Channel> Reactor::open(ChannelSpec spec) {
  return loop_->open(std::move(spec));
}

bool Reactor::alive() const {
  return loop_->alive();
}

std::chrono::milliseconds Reactor::silent_for() const {
  return loop_->silent_for();
}

std::string Reactor::loss() const {
  return loop_->loss();
}

}  // namespace harness::ssh
