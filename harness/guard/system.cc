#include "harness/guard/system.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

namespace harness::guard {
namespace {

std::int64_t microseconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000 + t.tv_nsec / 1000;
}

}  // namespace

Now now() {
  return {microseconds(CLOCK_REALTIME), microseconds(CLOCK_MONOTONIC)};
}

Json to_json(const Now& stamp) {
  return {{"wall_us", stamp.wall_us}, {"mono_us", stamp.mono_us}};
}

const std::string& boot_id() {
  static const std::string id = [] {
    auto text = read_whole("/proc/sys/kernel/random/boot_id", 64).value_or("");
    return text.substr(0, 36);
  }();
  return id;
}

bool there(const std::string& path) {
  struct stat info {};

  return stat(path.c_str(), &info) == 0;
}

Result<std::string> read_whole(const std::string& path, std::size_t limit) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return fail(ErrorCode::remote_failed, fmt::format("open {}: {}", path, std::strerror(errno)));
  }
  std::string out;
  char buffer[65536];
  ssize_t got = 0;
  while ((got = read(fd, buffer, sizeof buffer)) > 0 && out.size() <= limit) {
    out.append(buffer, static_cast<std::size_t>(got));
  }
  const int problem = errno;
  close(fd);
  if (got < 0) {
    return fail(ErrorCode::remote_failed, fmt::format("read {}: {}", path, std::strerror(problem)));
  }
  if (out.size() > limit) {
    return fail(ErrorCode::remote_failed,
                fmt::format("read {}: larger than {} bytes", path, limit));
  }
  return out;
}

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

void sync_directory(const std::string& path) {
  if (const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); fd >= 0) {
    fsync(fd);
    close(fd);
  }
}

Status make_dir(const std::string& path, int mode) {
  std::size_t at = 0;
  while (at != std::string::npos) {
    at = path.find('/', at + 1);
    const std::string part = path.substr(0, at);
    if (mkdir(part.c_str(), at == std::string::npos ? static_cast<mode_t>(mode) : 0755) == 0) {
      sync_directory(parent_directory(part));
    } else if (errno != EEXIST) {
      return fail(ErrorCode::remote_failed, fmt::format("make {}: {}", part, std::strerror(errno)));
    }
  }
  return {};
}

Status write_whole(const std::string& path, std::string_view content, Sync sync, int mode) {
  const std::string fresh = fmt::format("{}.new{}", path, getpid());
  const auto failed = [&](const char* doing, int fd) {
    const Error error(
        ErrorCode::remote_failed,
        fmt::format("{} {}: {}; nothing was changed", doing, path, std::strerror(errno)));
    if (fd >= 0) {
      close(fd);
    }
    unlink(fresh.c_str());
    return fail(error);
  };
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) {
    return failed("create", fd);
  }
  for (std::string_view rest = content; !rest.empty();) {
    const ssize_t put = write(fd, rest.data(), rest.size());
    if (put < 0) {
      return failed("write", fd);
    }
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  if (sync == Sync::waited && fsync(fd) != 0) {
    return failed("sync", fd);
  }
  close(fd);
  if (rename(fresh.c_str(), path.c_str()) != 0) {
    return failed("rename to", -1);
  }
  if (sync == Sync::waited) {
    sync_directory(parent_directory(path));
  }
  return {};
}

Status write_once(const std::string& path, std::string_view text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool done = fd >= 0 && write(fd, text.data(), text.size()) == ssize_t(text.size());
  const std::string why = std::strerror(errno);
  close(fd);
  return done ? Status()
              : fail(ErrorCode::remote_failed, fmt::format("write to {}: {}", path, why));
}

Status write_durable(const std::string& path, std::string_view content, int mode) {
  return write_whole(path, content, Sync::waited, mode);
}

int pidfd_open(int pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

bool pidfd_kill(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0;
}

bool pidfd_wait(int pidfd, std::chrono::milliseconds timeout) {
  pollfd watched{pidfd, POLLIN, 0};
  return poll(&watched, 1, static_cast<int>(timeout.count())) > 0;
}

std::string stat_field(int pid, int field, const std::string& proc) {
  const auto text = read_whole(fmt::format("{}/{}/stat", proc, pid), 4096);
  if (!text) {
    return {};
  }
  std::size_t at = text->rfind(')');
  for (int skip = 2; at != std::string::npos && skip < field; ++skip) {
    at = text->find(' ', at + 1);
  }
  if (at == std::string::npos) {
    return {};
  }
  return text->substr(at + 1, text->find(' ', at + 1) - at - 1);
}

std::int64_t start_ticks(int pid) {
  const std::string text = stat_field(pid, 22);
  return text.empty() ? 0 : std::strtoll(text.c_str(), nullptr, 10);
}

int parent_of(int pid) {
  const std::string text = stat_field(pid, 4);
  return text.empty() ? 0 : std::atoi(text.c_str());
}

std::string comm_of(int pid, const std::string& proc) {
  std::string text = read_whole(fmt::format("{}/{}/comm", proc, pid), 64).value_or("");
  while (text.ends_with('\n')) {
    text.pop_back();
  }
  return text;
}

std::string program_of(int pid, const std::string& proc) {
  char target[4096];
  const ssize_t size = readlink(fmt::format("{}/{}/exe", proc, pid).c_str(), target, sizeof target);
  std::string path(target, size > 0 ? static_cast<std::size_t>(size) : 0);
  constexpr std::string_view kGone = " (deleted)";
  if (path.ends_with(kGone)) {
    path.resize(path.size() - kGone.size());
  }
  return path.substr(path.rfind('/') + 1);
}

bool emit(const Json& line) {
  const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t put = write(STDOUT_FILENO, rest.data(), rest.size());
    if (put < 0 && errno != EINTR) {
      return false;
    }
    rest.remove_prefix(put < 0 ? 0 : static_cast<std::size_t>(put));
  }
  return true;
}

std::string one_line(std::string text) {
  for (char& c : text) {
    c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  return text;
}

void audit(const std::string& text) {
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, "/run/systemd/journal/socket", sizeof address.sun_path - 1);
  const std::string datagram =
      fmt::format("SYSLOG_IDENTIFIER=hookshot\nPRIORITY=5\nMESSAGE={}\n", one_line(text));
  static_cast<void>(sendto(fd,
                           datagram.data(),
                           datagram.size(),
                           MSG_NOSIGNAL,
                           reinterpret_cast<sockaddr*>(&address),
                           sizeof address));
  close(fd);
}

}  // namespace harness::guard
