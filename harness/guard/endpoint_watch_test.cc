#include "harness/guard/endpoint_watch.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/time.h"

namespace harness::guard {
namespace {

// A socket on a free port of the loopback, in this process: nothing runs in another thread.
class Listener {
 public:
  explicit Listener(int port = 0) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    socklen_t size = sizeof at;
    bound_ = bind(fd_, reinterpret_cast<sockaddr*>(&at), size) == 0;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
  }

  ~Listener() { stop(); }

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  bool listens() const { return bound_ && listen(fd_, 8) == 0; }

  void stop() {
    if (fd_ >= 0) {
      close(std::exchange(fd_, -1));
    }
  }

  int port() const { return port_; }

  int fd() const { return fd_; }

  // Takes a connection if there is one, and answers it.
  void serve(const std::string& answer) const {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, 0) <= 0) {
      return;
    }
    const int peer = accept(fd_, nullptr, nullptr);
    char request[1024];
    EXPECT_GT(recv(peer, request, sizeof request, 0), 0);
    EXPECT_EQ(send(peer, answer.data(), answer.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(answer.size()));
    close(peer);
  }

 private:
  int fd_;
  int port_ = 0;
  bool bound_ = false;
};

event::Marker port_marker(int port) {
  return {event::Marker::Kind::tcp, "answers", {}, std::to_string(port)};
}

event::Marker page_marker(int port) {
  return {event::Marker::Kind::http,
          "http://127.0.0.1:" + std::to_string(port) + "/healthz",
          {},
          "200"};
}

EndpointWatch::Options quick(event::Marker marker) {
  return {.markers = {std::move(marker)},
          .port_period = Microseconds(0),
          .http_period = Microseconds(0)};
}

// The next fact, polled as the guard does; null when none comes in two seconds or `rounds`.
template <typename Serve>
Json next(EndpointWatch& watch, Serve serve, int rounds = 1 << 30) {
  Json found;
  const Deadline deadline = Deadline::after(std::chrono::seconds(10));
  for (int i = 0; i < rounds && found.is_null() && !deadline.passed(); ++i) {
    watch.poll([&](const Json& fact) { found = fact; });
    serve();
    std::vector<pollfd> watched;
    watch.wait_on(watched);
    ::poll(watched.data(), watched.size(), 1);
  }
  return found;
}

const auto kNobody = [] {};

TEST(Endpoints, tell_when_a_port_of_the_node_begins_and_ceases_to_answer) {
  Listener server;
  EndpointWatch watch(quick(port_marker(server.port())));
  const Json before = next(watch, kNobody);
  EXPECT_EQ(before["state"], "refuses");
  EXPECT_EQ(before["initial"], true);
  ASSERT_TRUE(server.listens());
  const Json up = next(watch, kNobody);
  EXPECT_EQ(up["type"], "tcp");
  EXPECT_EQ(up["port"], server.port());
  EXPECT_EQ(up["state"], "answers");
  EXPECT_FALSE(up.contains("initial"));
  EXPECT_GT(json_int(up, "mono_us"), 0);
  EXPECT_TRUE(event::matches(port_marker(server.port()), up));
  EXPECT_EQ(next(watch, kNobody, 5), Json()) << "each state once";
  server.stop();
  EXPECT_EQ(next(watch, kNobody)["state"], "refuses");
}

TEST(Endpoints, make_no_connection_to_a_port) {
  Listener server;
  ASSERT_TRUE(server.listens());
  EndpointWatch watch(quick(port_marker(server.port())));
  EXPECT_EQ(next(watch, kNobody)["state"], "answers");
  EXPECT_EQ(next(watch, kNobody, 20), Json());
  pollfd waiting{server.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 0), 0) << "the service would write a line about each of them";
}

TEST(Endpoints, read_the_listeners_of_the_kernel_s_table_and_nothing_behind_them) {
  const auto file =
      std::filesystem::temp_directory_path() / ("hookshot-tcp-" + std::to_string(getpid()));
  std::ofstream(file)
      << "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
         "   0: 0100007F:094B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
         "   1: 00000000000000000000000000000000:2481 00000000000000000000000000000000:0000 0A 00\n"
         "   2: 0100007F:8A52 0100007F:192B 01 00000000:00000000 00:00000000 00000000     0\n"
         "   3: 0100007F:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n";
  EXPECT_EQ(listening_ports(file.string()), (std::vector<int>{2379, 9345}));
  std::filesystem::remove(file);
  EXPECT_TRUE(listening_ports(file.string()).empty());
}

TEST(Endpoints, tell_each_status_of_a_page_once) {
  Listener server;
  ASSERT_TRUE(server.listens());
  const event::Marker marker = page_marker(server.port());
  EndpointWatch watch(quick(marker));
  const auto sick = [&] { server.serve("HTTP/1.1 500 Internal Server Error\r\n\r\nno"); };
  const auto well = [&] { server.serve("HTTP/1.1 200 OK\r\n\r\nok"); };
  const Json first = next(watch, sick);
  EXPECT_EQ(first["status"], 500);
  EXPECT_EQ(first["initial"], true);
  EXPECT_EQ(next(watch, sick, 20), Json());
  const Json second = next(watch, well);
  EXPECT_EQ(second["status"], 200);
  EXPECT_EQ(second["url"], marker.text);
  EXPECT_TRUE(event::matches(marker, second));
}

TEST(Endpoints, say_status_0_for_nobody_and_for_what_is_no_http) {
  Listener server;
  EndpointWatch nobody(quick(page_marker(server.port())));
  EXPECT_EQ(next(nobody, kNobody)["status"], 0);
  ASSERT_TRUE(server.listens());
  EndpointWatch other(quick(page_marker(server.port())));
  EXPECT_EQ(next(other, [&] { server.serve("SSH-2.0-OpenSSH_9.2\r\n"); })["status"], 0);
}

TEST(Endpoints, never_wait_for_a_server_that_takes_and_does_not_answer) {
  Listener server;
  ASSERT_TRUE(server.listens());
  EndpointWatch::Options options = quick(page_marker(server.port()));
  options.patience = Microseconds(std::chrono::minutes(1));
  EndpointWatch watch(options);
  EXPECT_EQ(next(watch, kNobody, 50), Json());
  options.patience = Microseconds(0);
  EndpointWatch hasty(options);
  EXPECT_EQ(next(hasty, kNobody)["status"], 0);
}

}  // namespace
}  // namespace harness::guard
