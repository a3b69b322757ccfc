#include "harness/ssh/channel.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

namespace harness::ssh {
namespace {

constexpr std::size_t kOutgoingCap = 1u << 20;
constexpr std::size_t kErrCap = 1u << 20;

}  // namespace

Waker::Waker() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  HARNESS_ASSERT(bool(fd_));
}

void Waker::wake() const {
  [[maybe_unused]] const int result = ::eventfd_write(fd_.get(), 1);
}

void Waker::drain() const {
  eventfd_t ignored = 0;
  [[maybe_unused]] const int result = ::eventfd_read(fd_.get(), &ignored);
}

Channel::Channel(ChannelSpec spec, std::shared_ptr<const Waker> waker)
    : spec_(std::move(spec)), waker_(std::move(waker)), input_finished_(spec_.finish_input) {
  if (!spec_.input.empty()) {
    outgoing_.push_back(spec_.input);
    outgoing_size_ = spec_.input.size();
  }
}

Error Channel::late(std::string_view doing) const {
  return {ErrorCode::timed_out, fmt::format("{}: {}", spec_.what, doing)};
}

Status Channel::wait_open(Deadline deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline.at(), [this] { return open_ || over(); });
  if (failure_) {
    return fail(*failure_);
  }
  if (!open_) {
    return fail(late("no answer in time"));
  }
  return {};
}

Result<bool> Channel::read(std::string& into, Deadline deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline.at(), [this] { return !out_.empty() || over(); });
  if (!out_.empty()) {
    into += out_;
    const bool was_full = out_.size() >= spec_.cap;
    out_.clear();
    lock.unlock();
    if (was_full) {
      waker_->wake();
    }
    return true;
  }
  if (failure_) {
    return fail(*failure_);
  }
  if (!ended_) {
    return fail(late("no output in time"));
  }
  return false;
}

Status Channel::write(std::string_view bytes, Deadline deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(
      lock, deadline.at(), [this] { return outgoing_size_ < kOutgoingCap || over(); });
  if (failure_) {
    return fail(*failure_);
  }
  if (ended_ || input_finished_) {
    return fail(ErrorCode::remote_failed, spec_.what + ": it has ended and takes no more input");
  }
  if (outgoing_size_ >= kOutgoingCap) {
    return fail(late("it took no input in time"));
  }
  outgoing_.emplace_back(bytes);
  outgoing_size_ += bytes.size();
  lock.unlock();
  waker_->wake();
  return {};
}

void Channel::finish_input() {
  {
    const std::lock_guard lock(mutex_);
    input_finished_ = true;
  }
  waker_->wake();
}

Result<ChannelEnd> Channel::wait_end(Deadline deadline, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline.at(), [&] { return over() || stop.stop_requested(); });
  if (failure_) {
    return fail(*failure_);
  }
  if (!ended_ && stop.stop_requested()) {
    return fail(ErrorCode::refused, spec_.what + ": interrupted");
  }
  if (!ended_) {
    return fail(late("it did not end in time"));
  }
  return end_;
}

void Channel::abandon() {
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
  }
  waker_->wake();
}

std::string Channel::take_out() {
  const std::lock_guard lock(mutex_);
  return std::exchange(out_, {});
}

std::string Channel::take_err() {
  const std::lock_guard lock(mutex_);
  return std::exchange(err_, {});
}

bool Channel::cut() const {
  const std::lock_guard lock(mutex_);
  return cut_;
}

exec::UniqueFd Channel::take_local() {
  const std::lock_guard lock(mutex_);
  return std::move(local_);
}

std::string Channel::local_address() const {
  const std::lock_guard lock(mutex_);
  return local_address_;
}

std::size_t Channel::deliver(std::string_view bytes, bool is_err) {
  const std::lock_guard lock(mutex_);
  std::string& kept = is_err ? err_ : out_;
  const std::size_t cap = is_err && spec_.overflow == Overflow::stall ? kErrCap : spec_.cap;
  const std::size_t room = cap - std::min(cap, kept.size());
  kept.append(bytes.substr(0, room));
  changed_.notify_all();
  if (bytes.size() > room && spec_.overflow == Overflow::stall && !is_err) {
    return room;
  }
  cut_ = cut_ || bytes.size() > room;
  return bytes.size();
}

void Channel::deliver_all(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  out_ += bytes;
  changed_.notify_all();
}

bool Channel::has_room() const {
  const std::lock_guard lock(mutex_);
  return abandoned_ || out_.size() < spec_.cap;
}

void Channel::set_open(exec::UniqueFd local, std::string address) {
  const std::lock_guard lock(mutex_);
  open_ = true;
  local_ = std::move(local);
  local_address_ = std::move(address);
  changed_.notify_all();
}

void Channel::set_status(int status) {
  const std::lock_guard lock(mutex_);
  end_.status = status;
}

void Channel::set_signal(std::string signal) {
  const std::lock_guard lock(mutex_);
  end_.signal = std::move(signal);
}

void Channel::set_ended() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void Channel::set_failed(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!over()) {
    failure_ = error;
    changed_.notify_all();
  }
}

bool Channel::abandoned() const {
  const std::lock_guard lock(mutex_);
  return abandoned_;
}

Channel::Outgoing Channel::take_outgoing(std::size_t most) {
  const std::lock_guard lock(mutex_);
  Outgoing taken;
  while (!outgoing_.empty() && taken.bytes.size() < most) {
    std::string& first = outgoing_.front();
    const std::size_t count = std::min(first.size(), most - taken.bytes.size());
    if (count == first.size()) {
      taken.bytes = taken.bytes.empty() ? std::move(first) : taken.bytes + first;
      outgoing_.pop_front();
    } else {
      taken.bytes.append(first, 0, count);
      first.erase(0, count);
    }
    outgoing_size_ -= count;
  }
  if (outgoing_.empty() && input_finished_ && !finish_sent_) {
    taken.finished = true;
    finish_sent_ = true;
  }
  changed_.notify_all();
  return taken;
}

void Channel::unsent(std::string bytes) {
  const std::lock_guard lock(mutex_);
  outgoing_size_ += bytes.size();
  outgoing_.push_front(std::move(bytes));
  finish_sent_ = false;
}

}  // namespace harness::ssh
