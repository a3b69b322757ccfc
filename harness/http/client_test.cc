#include "harness/http/client.h"

#include <atomic>
#include <fstream>
#include <functional>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "harness/base/eventually.h"
#include "harness/exec/local_runner.h"
#include "harness/exec/test_process.h"
#include "harness/exec/unique_fd.h"

namespace harness::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Deadline soon() {
  return Deadline::after(seconds(20));
}

// A socket to be connected, and the listener that it will reach.
std::pair<Socket, exec::UniqueFd> pending_socket() {
  exec::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener.get(), plain, size), 0);
  EXPECT_EQ(::listen(listener.get(), 4), 0);
  EXPECT_EQ(::getsockname(listener.get(), plain, &size), 0);
  return {Socket{.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                 .address = std::string(reinterpret_cast<char*>(&address), size)},
          std::move(listener)};
}

// Serves the far ends: reads one request at a time, lets the test answer.
class Server {
 public:
  using Answer = std::function<std::string(const std::string& request)>;  // empty: close

  explicit Server(Answer answer) : answer_(std::move(answer)) {}

  Result<Socket> connect(Deadline) {
    auto [socket, far] = pending_socket();
    ++connections;
    threads_.emplace_back([this, listener = std::move(far)] {
      const exec::UniqueFd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      serve(fd.get());
    });
    return socket;
  }

  SocketFactory factory() {
    return [this](Deadline deadline) { return connect(deadline); };
  }

  std::atomic<int> connections = 0;

 private:
  void serve(int fd) {
    std::string text;
    std::array<char, 4096> block{};
    for (ssize_t count = 0; (count = ::recv(fd, block.data(), block.size(), 0)) > 0;) {
      text.append(block.data(), static_cast<std::size_t>(count));
      const std::size_t end = text.find("\r\n\r\n");
      if (end == std::string::npos) {
        continue;
      }
      std::size_t length = 0;
      if (const std::size_t at = text.find("Content-Length: "); at != std::string::npos) {
        length = std::stoul(text.substr(at + 16));
      }
      if (text.size() < end + 4 + length) {
        continue;
      }
      const std::string answer = answer_(std::exchange(text, {}));
      if (answer.empty() || ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) {
        return;
      }
    }
  }

  Answer answer_;
  std::vector<std::jthread> threads_;
};

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(Client, keeps_its_connection_between_requests) {
  Server server(
      [](const std::string& request) { return ok(request.substr(0, request.find('\r'))); });
  Client client("127.0.0.1", 6443, false, {}, server.factory());
  const auto first = client.send({.path = "/readyz?verbose"}, soon());
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->body, "GET /readyz?verbose HTTP/1.1");
  EXPECT_TRUE(first->fresh);
  for (int i = 0; i < 5; ++i) {
    const auto next = client.send({.path = "/livez"}, soon());
    ASSERT_TRUE(next);
    EXPECT_FALSE(next->fresh);
    EXPECT_GT(next->latency.count(), 0);
  }
  EXPECT_EQ(server.connections, 1);
}

TEST(Client, asks_for_a_new_socket_when_the_old_one_is_gone) {
  std::atomic<int> count = 0;
  Server server([&count](const std::string&) { return ++count % 2 == 0 ? "" : ok("x"); });
  Client client("127.0.0.1", 6443, false, {}, server.factory());
  for (int i = 0; i < 4; ++i) {
    const auto response = client.send({}, soon());
    ASSERT_TRUE(response) << response.error().message();
  }
  EXPECT_GE(server.connections, 4);
}

TEST(Client, takes_every_status_as_an_answer_and_follows_no_redirect) {
  Server server([](const std::string& request) -> std::string {
    return request.starts_with("GET /away")
               ? "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n"
               : "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops";
  });
  Client client("127.0.0.1", 6443, false, {}, server.factory());
  EXPECT_EQ(client.send({.path = "/away"}, soon())->status, 302);
  const auto failed = client.send({}, soon());
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->status, 500);
  EXPECT_EQ(failed->body, "oops");
}

TEST(Client, sends_a_body_and_basic_authentication) {
  Server server([](const std::string& request) { return ok(request); });
  Client client("127.0.0.1", 2382, false, {.basic_user = "node:hunter2"}, server.factory());
  const auto posted =
      client.send({.method = "POST", .path = "/v3/kv/range", .body = "{\"key\":\"AA==\"}"}, soon());
  ASSERT_TRUE(posted) << posted.error().message();
  EXPECT_THAT(posted->body,
              AllOf(HasSubstr("POST /v3/kv/range HTTP/1.1"),
                    HasSubstr("Content-Type: application/json"),
                    HasSubstr("Authorization: Basic bm9kZTpodW50ZXIy"),
                    HasSubstr("{\"key\":\"AA==\"}")));
  const auto got = client.send({.path = "/x"}, soon());
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_THAT(got->body, AllOf(HasSubstr("GET /x"), Not(HasSubstr("Content-Type"))));
}

TEST(Client, says_that_the_connection_was_closed) {
  Server server([](const std::string&) { return ""; });
  Client client("127.0.0.1", 6443, false, {.basic_user = "node:hunter2"}, server.factory());
  const auto closed = client.send({.path = "/readyz"}, soon());
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(closed.error().message(),
              AllOf(HasSubstr("GET http://127.0.0.1:6443/readyz"), Not(HasSubstr("hunter2"))));
}

TEST(Client, passes_on_why_there_is_no_socket) {
  Client client("127.0.0.1", 6443, false, {}, [](Deadline) -> Result<Socket> {
    return fail(ErrorCode::unreachable, "the connection to cp-1 is down");
  });
  const auto down = client.send({}, soon());
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(down.error().message(), HasSubstr("cp-1 is down"));
}

TEST(Client, gives_up_at_the_deadline) {
  auto [socket, far] = pending_socket();
  Client client(
      "127.0.0.1", 6443, false, {}, [made = socket](Deadline) -> Result<Socket> { return made; });
  const auto late = client.send({}, Deadline::after(milliseconds(100)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::timed_out);
  EXPECT_EQ(client.send({}, Deadline::after(milliseconds(0))).error().code(), ErrorCode::timed_out);
}

TEST(Client, refuses_a_body_that_is_too_large) {
  Server server([](const std::string&) { return ok(std::string(5000, 'x')); });
  Client client("127.0.0.1", 6443, false, {}, server.factory());
  client.set_body_cap(4000);
  const auto large = client.send({}, soon());
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(large.error().message(), HasSubstr("larger than 4000"));
}

TEST(Client, refuses_words_that_could_make_another_request) {
  Server server([](const std::string&) { return ok("x"); });
  Client client("127.0.0.1", 6443, false, {}, server.factory());
  for (const Request& request : {Request{.path = "/a b"},
                                 Request{.path = "/a\r\nX: y"},
                                 Request{.path = "@other/"},
                                 Request{.path = ""},
                                 Request{.method = "GET /\r\n"},
                                 Request{.content_type = "a\r\nX: y"}}) {
    const auto refused = client.send(request, soon());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::invalid_input);
  }
  EXPECT_EQ(server.connections, 0);
}

// A TLS server of openssl's own, which asks for a client certificate.
class ClientOnTls : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / ("tls-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    const bool made =
        make_certificate("server", "subjectAltName=IP:127.0.0.1") && make_certificate("client", "");
    if (!made) {
      GTEST_SKIP() << "there is no openssl program";
    }
    server_ = exec::TestProcess({"openssl",
                                 "s_server",
                                 "-accept",
                                 "127.0.0.1:0",
                                 "-cert",
                                 file("server.crt"),
                                 "-key",
                                 file("server.key"),
                                 "-CAfile",
                                 file("client.crt"),
                                 "-Verify",
                                 "1",
                                 "-verify_return_error",
                                 "-www"},
                                folder_ / "log");
    const auto up =
        eventually("s_server", soon(), milliseconds(10), [this]() -> Result<Observation> {
          const std::string log = slurp("log");
          const std::size_t at = log.find("ACCEPT 127.0.0.1:");
          const bool there = at != std::string::npos && log.find('\n', at) != std::string::npos;
          port_ = there ? std::stoi(log.substr(at + 17)) : 0;
          return Observation{there, log};
        });
    ASSERT_TRUE(up) << up.error().message();
  }

  void TearDown() override {
    server_.end();
    std::filesystem::remove_all(folder_);
  }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  std::string slurp(const std::string& name) const {
    std::ifstream in(folder_ / name);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  bool make_certificate(const std::string& name, const std::string& extension) {
    exec::Command command{.argv = {"openssl",
                                   "req",
                                   "-x509",
                                   "-newkey",
                                   "ec",
                                   "-pkeyopt",
                                   "ec_paramgen_curve:P-256",
                                   "-nodes",
                                   "-days",
                                   "2",
                                   "-subj",
                                   "/CN=" + name,
                                   "-keyout",
                                   file(name + ".key"),
                                   "-out",
                                   file(name + ".crt")}};
    if (!extension.empty()) {
      command.argv.insert(command.argv.end(), {"-addext", extension});
    }
    const auto made = exec::LocalRunner().run(command, soon());
    return made && made->ok();
  }

  Client client(const std::string& host, Credentials credentials) {
    return Client(host, port_, true, std::move(credentials), [this](Deadline) -> Result<Socket> {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
      address.sin_port = ::htons(static_cast<std::uint16_t>(port_));
      return Socket{.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                    .address = std::string(reinterpret_cast<char*>(&address), sizeof address)};
    });
  }

  Credentials good() const {
    return {.client_cert_pem = slurp("client.crt"),
            .client_key_pem = slurp("client.key"),
            .ca_pem = slurp("server.crt")};
  }

  std::filesystem::path folder_;
  exec::TestProcess server_;
  int port_ = 0;
};

TEST_F(ClientOnTls, shows_its_certificate_and_verifies_the_server) {
  const auto response = client("127.0.0.1", good()).send({}, soon());
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 200);
  EXPECT_THAT(response->body, HasSubstr("CN=client"));
}

TEST_F(ClientOnTls, does_not_verify_without_a_ca) {
  Credentials credentials = good();
  credentials.ca_pem.clear();
  EXPECT_EQ(client("127.0.0.1", credentials).send({}, soon())->status, 200);
}

TEST_F(ClientOnTls, trusts_no_other_certificate_and_no_other_name) {
  Credentials other = good();
  other.ca_pem = slurp("client.crt");
  const auto untrusted = client("127.0.0.1", other).send({}, soon());
  ASSERT_FALSE(untrusted);
  EXPECT_EQ(untrusted.error().code(), ErrorCode::refused);
  EXPECT_THAT(untrusted.error().message(), HasSubstr("not trusted"));
  const auto misnamed = client("127.0.0.2", good()).send({}, soon());
  ASSERT_FALSE(misnamed);
  EXPECT_THAT(misnamed.error().message(), HasSubstr("not trusted"));
}

TEST_F(ClientOnTls, is_refused_without_its_certificate) {
  const auto refused = client("127.0.0.1", {.ca_pem = slurp("server.crt")}).send({}, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::remote_failed);
}

TEST_F(ClientOnTls, says_that_a_key_cannot_be_used_and_never_shows_it) {
  Credentials broken = good();
  broken.client_key_pem =
      "-----BEGIN PRIVATE KEY-----\nc2VjcmV0c2VjcmV0\n-----END PRIVATE KEY-----\n";
  const auto refused = client("127.0.0.1", broken).send({}, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(refused.error().message(), Not(HasSubstr("c2VjcmV0")));
}

}  // namespace
}  // namespace harness::http
