// A name server of the test's own, on the lab's bridge: every IPv4 name is at one address.
#pragma once

#include <cstring>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace harness::fault {

class NameServer {
 public:
  static constexpr const char* kAnswer = "192.0.2.7";

  explicit NameServer(const std::string& address) : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(53);
    EXPECT_EQ(::inet_pton(AF_INET, address.c_str(), &at.sin_addr), 1) << address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0)
        << address << ": " << std::strerror(errno);
    answers_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }

  ~NameServer() {
    answers_ = {};
    ::close(socket_);
  }

  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;
  NameServer(NameServer&&) = delete;
  NameServer& operator=(NameServer&&) = delete;

 private:
  static constexpr std::size_t kHeader = 12;
  static constexpr std::size_t kTypeAndClass = 4;

  void serve(const std::stop_token& stop) const {
    while (!stop.stop_requested()) {
      pollfd ready{socket_, POLLIN, 0};
      if (::poll(&ready, 1, 100) != 1) {
        continue;
      }
      char query[512];
      sockaddr_in from{};
      socklen_t length = sizeof from;
      const ssize_t got =
          ::recvfrom(socket_, query, sizeof query, 0, reinterpret_cast<sockaddr*>(&from), &length);
      const std::string said = got > 0 ? answer({query, static_cast<std::size_t>(got)}) : "";
      ::sendto(socket_, said.data(), said.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
    }
  }

  // RFC 1035: the header, the question as it was, and its name's one address.
  static std::string answer(const std::string& query) {
    const std::size_t name_ends = query.find('\0', kHeader);
    if (name_ends == std::string::npos || query.size() < name_ends + 1 + kTypeAndClass) {
      return {};
    }
    const std::string question = query.substr(kHeader, name_ends + 1 + kTypeAndClass - kHeader);
    const bool four = question[question.size() - 3] == 1;
    std::string out = query.substr(0, 2);
    out += std::string("\x81\x80\x00\x01\x00", 5);
    out += static_cast<char>(four ? 1 : 0);
    out += std::string(4, '\0') + question;
    if (four) {
      out += std::string("\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04", 12);
      in_addr address{};
      ::inet_pton(AF_INET, kAnswer, &address);
      out.append(reinterpret_cast<const char*>(&address), sizeof address);
    }
    return out;
  }

  int socket_;
  std::jthread answers_;
};

}  // namespace harness::fault
