#include "harness/ssh/dial.h"

#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace harness::ssh {
namespace {

std::string advice(int problem) {
  switch (problem) {
    case ECONNREFUSED:
      return "connection refused: the host is up and nothing listens there (is sshd running?)";
    case EHOSTUNREACH:
    case ENETUNREACH:
      return "no route to it (is the host up, is the network?)";
    default:
      return std::strerror(problem);
  }
}

void set_options(int fd, std::chrono::milliseconds dead_after) {
  const auto set = [fd](int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 2);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 1);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(dead_after.count()));
}

// 0 when connected, else the error number.
int connect_one(const addrinfo& address, exec::UniqueFd& fd, Deadline deadline) {
  fd.reset(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    return errno;
  }
  if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) {
    return 0;
  }
  if (errno != EINPROGRESS) {
    return errno;
  }
  pollfd waiting{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, static_cast<int>(deadline.left().count()));
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) {
    return ready == 0 ? ETIMEDOUT : errno;
  }
  int problem = 0;
  socklen_t size = sizeof problem;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
  return problem;
}

}  // namespace

Result<exec::UniqueFd> dial(const std::string& host,
                            int port,
                            std::chrono::milliseconds dead_after,
                            Deadline deadline) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int problem =
          ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found)) {
    return fail(ErrorCode::unreachable,
                fmt::format("the name '{}' does not resolve: {}", host, ::gai_strerror(problem)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  int problem = ETIMEDOUT;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    exec::UniqueFd fd;
    problem = connect_one(*address, fd, deadline);
    if (problem == 0) {
      set_options(fd.get(), dead_after);
      return fd;
    }
  }
  if (problem == ETIMEDOUT) {
    return fail(ErrorCode::timed_out,
                "no answer in time (is the host up, and does a firewall let port " +
                    std::to_string(port) + " through?)");
  }
  return fail(ErrorCode::unreachable, advice(problem));
}

}  // namespace harness::ssh
