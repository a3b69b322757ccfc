#include "harness/guard/reach.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/time.h"
#include "harness/exec/unique_fd.h"

namespace harness::guard {
namespace {

using exec::UniqueFd;

// A question for the name servers of the root.
constexpr std::array<unsigned char, 17> kQuery = {
    0x48, 0x53, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 0x00, 0x00, 0x02, 0x00, 0x01};

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Address address_of(const Endpoint& endpoint) {
  Address out;
  auto* four = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* six = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (inet_pton(AF_INET, endpoint.address.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(static_cast<std::uint16_t>(endpoint.port));
    out.size = sizeof *four;
  } else if (inet_pton(AF_INET6, endpoint.address.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(static_cast<std::uint16_t>(endpoint.port));
    out.size = sizeof *six;
  }
  return out;
}

Reach reach_of(int error) {
  switch (error) {
    case 0:
      return Reach::answered;
    case ECONNREFUSED:
    case ECONNRESET:
      return Reach::refused;
    case EPERM:
    case EACCES:
      return Reach::blocked;
    case EINPROGRESS:
    case EAGAIN:
    case ETIMEDOUT:
      return Reach::silent;
    default:
      return Reach::failed;
  }
}

// silent: the end is still to come.
Reach begin(const UniqueFd& socket, const Endpoint& endpoint) {
  const Address to = address_of(endpoint);
  if (socket.get() < 0 || to.size == 0) {
    return Reach::failed;
  }
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) != 0) {
    return reach_of(errno);
  }
  if (!endpoint.dns) {
    return Reach::answered;
  }
  return send(socket.get(), kQuery.data(), kQuery.size(), MSG_NOSIGNAL) < 0 ? reach_of(errno)
                                                                            : Reach::silent;
}

Reach end(const UniqueFd& socket, const Endpoint& endpoint) {
  if (endpoint.dns) {
    std::array<char, 512> answer{};
    return recv(socket.get(), answer.data(), answer.size(), 0) < 0 ? reach_of(errno)
                                                                   : Reach::answered;
  }
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return reach_of(error);
}

}  // namespace

std::string_view to_string(Reach reach) {
  switch (reach) {
    case Reach::answered:
      return "answered";
    case Reach::refused:
      return "refused";
    case Reach::blocked:
      return "not permitted";
    case Reach::silent:
      return "no answer";
    case Reach::failed:
      return "failed";
  }
  return {};
}

std::string to_string(const Endpoint& endpoint) {
  return endpoint.address.find(':') == std::string::npos
             ? fmt::format("{}:{}", endpoint.address, endpoint.port)
             : fmt::format("[{}]:{}", endpoint.address, endpoint.port);
}

std::vector<Reach> try_reach(const std::vector<Endpoint>& all, std::chrono::milliseconds limit) {
  std::vector<Reach> out;
  std::vector<UniqueFd> sockets;
  for (const Endpoint& endpoint : all) {
    const int family = endpoint.address.find(':') == std::string::npos ? AF_INET : AF_INET6;
    const int type = endpoint.dns ? SOCK_DGRAM : SOCK_STREAM;
    sockets.emplace_back(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    out.push_back(begin(sockets.back(), endpoint));
  }
  const Deadline deadline = Deadline::after(limit);
  while (std::ranges::find(out, Reach::silent) != out.end() && !deadline.passed()) {
    std::vector<pollfd> watched;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const short events = all[i].dns ? POLLIN : POLLOUT;
      watched.push_back({out[i] == Reach::silent ? sockets[i].get() : -1, events, 0});
    }
    if (poll(watched.data(), watched.size(), static_cast<int>(deadline.left().count()) + 1) <= 0) {
      continue;
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (watched[i].revents != 0) {
        out[i] = end(sockets[i], all[i]);
      }
    }
  }
  return out;
}

}  // namespace harness::guard
