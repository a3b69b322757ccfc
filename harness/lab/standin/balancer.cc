#include "harness/lab/standin/balancer.h"

#include <csignal>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/lab/standin/logrus.h"

namespace harness::standin {

namespace {

int connect_to(const std::string& target) {
  const auto colon = target.rfind(':');
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(
          target.substr(0, colon).c_str(), target.substr(colon + 1).c_str(), &hints, &found) != 0) {
    return -1;
  }
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  constexpr timeval patience = {5, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
    ::close(fd);
    fd = -1;
  }
  freeaddrinfo(found);
  return fd;
}

// Passes what there is; false when this direction has ended.
bool pump(int from, int to) {
  char buffer[16384];
  const ssize_t got = ::recv(from, buffer, sizeof buffer, 0);
  for (ssize_t sent = 0; got > 0 && sent < got;) {
    const ssize_t now =
        ::send(to, buffer + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (now <= 0) {
      return false;
    }
    sent += now;
  }
  return got > 0;
}

}  // namespace

Balancer::~Balancer() {
  if (listener_ >= 0) {
    ::shutdown(listener_, SHUT_RDWR);
    ::close(listener_);
  }
}

Status Balancer::listen(const std::string& name,
                        std::uint16_t port,
                        std::vector<std::string> targets) {
  targets_ = std::move(targets);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 64) != 0) {
    return fail(ErrorCode::internal,
                fmt::format("listen tcp 127.0.0.1:{}: bind: address already in use", port));
  }
  socklen_t size = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  logrus::info("Running load balancer {} 127.0.0.1:{} -> [{}] [default: {}]",
               name,
               port_,
               fmt::join(targets_, " "),
               targets_.empty() ? "" : targets_.front());
  std::thread([this] { accept_forever(); }).detach();
  return {};
}

void Balancer::accept_forever() const {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      std::thread([this, fd] { pass(fd); }).detach();
    } else if (errno != EINTR && errno != ECONNABORTED && errno != EMFILE) {
      return;
    }
  }
}

void Balancer::pass(int client) const {
  int server = -1;
  for (const auto& target : targets_) {
    if (server = connect_to(target); server >= 0) {
      break;
    }
  }
  pollfd ends[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
  bool open = server >= 0;
  while (open && ::poll(ends, 2, -1) > 0) {
    open = (ends[0].revents == 0 || pump(client, server)) &&
           (ends[1].revents == 0 || pump(server, client));
  }
  ::close(server);
  ::close(client);
}

}  // namespace harness::standin
