#include "harness/guard/held_opens.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>

namespace harness::guard {
namespace {

using exec::UniqueFd;

constexpr std::chrono::milliseconds kLook{20};
constexpr std::size_t kContentLimit = 1U << 20U;

Error unsupported(const char* call, const std::string& on, int problem) {
  const char* why = problem == ENOSYS   ? "the kernel has no fanotify (CONFIG_FANOTIFY)"
                    : problem == EPERM  ? "it needs CAP_SYS_ADMIN, which a container may not have"
                    : problem == EINVAL ? "the kernel asks nobody before it opens a file "
                                          "(CONFIG_FANOTIFY_ACCESS_PERMISSIONS), or not there"
                                        : "";
  const bool lacks = *why != '\0' || problem == EOPNOTSUPP || problem == ENODEV;
  return {lacks ? ErrorCode::not_supported : ErrorCode::remote_failed,
          fmt::format(
              "{} {}: {}{}{}", call, on, std::strerror(problem), *why == '\0' ? "" : ": ", why)};
}

Result<UniqueFd> group_on(const std::string& directory) {
  UniqueFd group(fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK,
                               O_RDONLY | O_CLOEXEC | O_LARGEFILE));
  if (!group) {
    return fail(unsupported("fanotify_init for", directory, errno));
  }
  if (fanotify_mark(group.get(),
                    FAN_MARK_ADD | FAN_MARK_ONLYDIR,
                    FAN_OPEN_PERM | FAN_EVENT_ON_CHILD,
                    AT_FDCWD,
                    directory.c_str()) != 0) {
    return fail(unsupported("fanotify_mark of", directory, errno));
  }
  return group;
}

std::string name_of(const UniqueFd& file) {
  char target[4096];
  const ssize_t size =
      readlink(fmt::format("/proc/self/fd/{}", file.get()).c_str(), target, sizeof target);
  std::string path(target, size > 0 ? static_cast<std::size_t>(size) : 0);
  constexpr std::string_view kGone = " (deleted)";  // another was renamed over it meanwhile
  if (path.ends_with(kGone)) {
    path.resize(path.size() - kGone.size());
  }
  return path.substr(path.rfind('/') + 1);
}

std::string content_of(const UniqueFd& file) {
  std::string out;
  std::array<char, 65536> buffer;
  while (out.size() < kContentLimit) {
    const ssize_t got =
        pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(out.size()));
    if (got <= 0) {
      break;
    }
    out.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return out;
}

}  // namespace

Status check_held_opens(const std::string& directory) {
  TRY_ASSIGN(const UniqueFd group, group_on(directory), "hold opens back");
  return {};
}

HeldOpens::HeldOpens(Options options, UniqueFd group, UniqueFd wake, const Now& began)
    : options_(std::move(options)),
      group_(std::move(group)),
      wake_(std::move(wake)),
      began_(began) {}

Result<std::unique_ptr<HeldOpens>> HeldOpens::begin(Options options) {
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) {
    return fail(ErrorCode::remote_failed, fmt::format("eventfd: {}", std::strerror(errno)));
  }
  TRY_ASSIGN(UniqueFd group, group_on(options.directory), "hold opens back");
  std::unique_ptr<HeldOpens> out(
      new HeldOpens(std::move(options), std::move(group), std::move(wake), now()));
  try {
    out->server_ = std::thread([self = out.get()] { self->serve(); });
  } catch (const std::system_error& problem) {
    return fail(ErrorCode::remote_failed,
                fmt::format("hold opens back: no thread: {}", problem.what()));
  }
  return out;
}

HeldOpens::~HeldOpens() {
  end();
}

void HeldOpens::end() {
  if (server_.joinable()) {
    const std::uint64_t one = 1;
    static_cast<void>(write(wake_.get(), &one, sizeof one));
    server_.join();
  }
}

std::vector<HeldOpens::Wait> HeldOpens::waits() const {
  const std::lock_guard lock(mutex_);
  return waits_;
}

int HeldOpens::let_through() const {
  const std::lock_guard lock(mutex_);
  return let_through_;
}

std::optional<HeldOpens::Wait> HeldOpens::first(const std::function<bool()>& enough) {
  std::unique_lock lock(mutex_);
  while (waits_.empty() && milliseconds_left() > 0 && !enough()) {
    came_.wait_for(lock, kLook);
  }
  return waits_.empty() ? std::nullopt : std::optional(waits_.front());
}

int HeldOpens::milliseconds_left() const {
  const std::int64_t over = began_.mono_us + options_.hold.count() * 1000;
  return static_cast<int>(std::max<std::int64_t>((over - now().mono_us + 999) / 1000, 0));
}

void HeldOpens::serve() {
  std::array<pollfd, 2> watched = {pollfd{group_.get(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
  for (;;) {
    const int left = milliseconds_left();
    if (left == 0) {
      break;
    }
    if (::poll(watched.data(), watched.size(), left) < 0) {
      if (errno == EINTR) {
        continue;
      }
      break;
    }
    if (watched[1].revents != 0 || (watched[0].revents != 0 && !read_events())) {
      break;
    }
  }
  {
    const std::lock_guard lock(mutex_);
    for (const Waiting& one : waiting_) {
      Wait& wait = waits_[one.wait];
      wait.ended = state_of(wait.opener) == '-';
      allow(one.file);
      wait.to = now();
    }
  }
  waiting_.clear();
  group_.reset();  // what was never read is let through by that
}

bool HeldOpens::read_events() {
  alignas(fanotify_event_metadata) std::array<char, 4096> buffer;
  const ssize_t got = read(group_.get(), buffer.data(), buffer.size());
  if (got < 0) {
    return errno == EAGAIN || errno == EINTR;
  }
  ssize_t left = got;
  for (const auto* event = reinterpret_cast<const fanotify_event_metadata*>(buffer.data());
       FAN_EVENT_OK(event, left);
       event = FAN_EVENT_NEXT(event, left)) {
    if ((event->mask & FAN_OPEN_PERM) != 0 && event->fd >= 0) {
      judge(event->pid, UniqueFd(event->fd));
    }
  }
  return true;
}

void HeldOpens::judge(int pid, UniqueFd file) {
  const Now stamp = now();
  if (name_of(file) != options_.file || !options_.is_for(pid)) {
    {
      const std::lock_guard lock(mutex_);
      ++let_through_;
    }
    allow(file);
    return;
  }
  const std::lock_guard lock(mutex_);
  waits_.push_back({.opener = {pid, start_ticks(pid)},
                    .from = stamp,
                    .to = {},
                    .content = waits_.empty() ? content_of(file) : std::string()});
  waiting_.push_back({waits_.size() - 1, std::move(file)});
  came_.notify_all();
}

void HeldOpens::allow(const UniqueFd& file) const {
  const fanotify_response answer{file.get(), FAN_ALLOW};
  static_cast<void>(write(group_.get(), &answer, sizeof answer));
}

bool holds_opens_back(const Process& process, const std::string& proc) {
  if (state_of(process) == '-') {
    return false;
  }
  std::error_code problem;
  const std::string folder = fmt::format("{}/{}/fd", proc, process.pid);
  for (const auto& item : std::filesystem::directory_iterator(folder, problem)) {
    if (std::filesystem::read_symlink(item.path(), problem) == "anon_inode:[fanotify]") {
      return true;
    }
  }
  return false;
}

}  // namespace harness::guard
