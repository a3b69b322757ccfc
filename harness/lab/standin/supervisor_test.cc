#include "harness/lab/standin/supervisor.h"

#include <gtest/gtest.h>

#include "harness/lab/standin/balancer.h"
#include "harness/lab/standin/machine.h"

namespace harness::standin {
namespace {

ServerRequest with(const std::string& credentials) {
  ServerRequest request;
  request.headers["authorization"] = "Basic " + machine::base64(credentials);
  return request;
}

TEST(Supervisor, knows_agents_and_servers_by_user_and_password) {
  EXPECT_EQ(role_of(with("node:secret"), "secret"), Role::agent);
  EXPECT_EQ(role_of(with("server:secret"), "secret"), Role::server);
}

TEST(Supervisor, knows_nobody_else) {
  EXPECT_EQ(role_of(with("node:wrong"), "secret"), Role::unknown);
  EXPECT_EQ(role_of(with("root:secret"), "secret"), Role::unknown);
  EXPECT_EQ(role_of(with("no colon"), "secret"), Role::unknown);
  EXPECT_EQ(role_of(ServerRequest{}, "secret"), Role::none);
}

class Routes : public testing::Test {
 protected:
  ServerReply ask(const std::string& path, const std::string& credentials, const char* peer = "") {
    ServerRequest request = credentials.empty() ? ServerRequest{} : with(credentials);
    request.path = path;
    request.peer = peer;
    testing::internal::CaptureStdout();
    ServerReply reply = route(node_, request, "secret");
    said_ = testing::internal::GetCapturedStdout();
    return reply;
  }

  Node node_;
  std::string said_;
};

TEST_F(Routes, of_agents_and_of_servers_take_their_own_user_only) {
  EXPECT_EQ(ask("/v1-rke2/config", "node:secret").status, 200);
  EXPECT_EQ(ask("/v1-rke2/config", "server:secret").status, 403);
  for (const char* path : {"/v1-rke2/encrypt/status",
                           "/v1-rke2/cert/cacerts",
                           "/v1-rke2/server-bootstrap",
                           "/v1-rke2/token"}) {
    EXPECT_EQ(ask(path, "node:secret").status, 403) << path;
    EXPECT_NE(ask(path, "server:secret").status, 403) << path;
  }
}

TEST_F(Routes, tell_a_stranger_from_a_wrong_password) {
  EXPECT_EQ(ask("/v1-rke2/readyz", "").status, 403);
  EXPECT_EQ(ask("/v1-rke2/readyz", "node:wrong", "192.0.2.9").status, 401);
  EXPECT_NE(said_.find("Failed to authenticate request from 192.0.2.9"), std::string::npos)
      << said_;
}

TEST_F(Routes, to_etcds_members_are_open_on_loopback_and_fail_before_there_is_etcd) {
  const ServerReply local = ask("/db/info", "", "127.0.0.1");
  EXPECT_EQ(local.status, 500);
  EXPECT_NE(local.body.find("etcd not started"), std::string::npos) << local.body;
  EXPECT_EQ(ask("/db/info", "", "192.0.2.9").status, 403);
  EXPECT_EQ(ask("/db/info", "server:secret", "192.0.2.9").status, 500);
}

TEST_F(Routes, that_are_none_are_not_found) {
  EXPECT_EQ(ask("/v1-k3s/config", "node:secret").status, 404);
  EXPECT_EQ(ask("/v1-rke2/nothing", "node:secret").status, 404);
}

TEST(RequestHead, is_taken_apart) {
  ServerRequest request;
  ASSERT_TRUE(
      parse_head("POST /v1-rke2/x.crt?a=b HTTP/1.1\r\nHost: h\r\nRKE2-Node-Name:  cp-1", request));
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/v1-rke2/x.crt");
  EXPECT_EQ(request.headers["rke2-node-name"], "cp-1");
}

TEST(RequestHead, refuses_what_is_no_http) {
  ServerRequest request;
  EXPECT_FALSE(parse_head("hello", request));
  EXPECT_FALSE(parse_head("GET / SPDY/1", request));
  EXPECT_FALSE(parse_head("GET / HTTP/1.1\r\nno colon", request));
}

TEST(HttpsServer, answers_starting_until_it_has_a_handler) {
  const auto ca = x509::make_ca("ca");
  const auto pair = x509::issue(*ca, {{"rke2", {}}, {"127.0.0.1"}, false, true, 365});
  static HttpsServer server;  // its threads outlive the test
  ASSERT_TRUE(server.listen(0, *pair));
  HttpClient client("https://127.0.0.1:" + std::to_string(server.port()), {});
  const auto early = client.send({"GET", "/ping", "", {}, std::chrono::seconds(10)});
  ASSERT_TRUE(early) << early.error().message();
  EXPECT_EQ(early->status, 503);
  EXPECT_EQ(early->body, "starting\n");
  server.set_handler([](const ServerRequest& request) {
    return ServerReply{200, request.body + " " + request.peer, "text/plain"};
  });
  const auto later = client.send({"POST", "/echo", "pong", {}, std::chrono::seconds(10)});
  ASSERT_TRUE(later) << later.error().message();
  EXPECT_EQ(later->body, "pong 127.0.0.1");
}

TEST(Balancer, passes_bytes_both_ways_and_tries_the_next_target) {
  const auto ca = x509::make_ca("ca");
  const auto pair = x509::issue(*ca, {{"rke2", {}}, {"127.0.0.1"}, false, true, 365});
  static HttpsServer server;
  ASSERT_TRUE(server.listen(0, *pair));
  server.set_handler([](const ServerRequest& request) {
    return ServerReply{200, request.body, "text/plain"};
  });
  static Balancer balancer;
  ASSERT_TRUE(
      balancer.listen("test", 0, {"127.0.0.1:1", "127.0.0.1:" + std::to_string(server.port())}));
  HttpClient client("https://127.0.0.1:" + std::to_string(balancer.port()), {});
  const std::string large(100000, 'x');
  const auto reply = client.send({"POST", "/echo", large, {}, std::chrono::seconds(10)});
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_EQ(reply->body, large);
}

TEST(HttpClient, tells_a_refused_connection_in_the_words_of_the_product) {
  HttpClient client("https://127.0.0.1:1", {});
  const auto reply = client.send({"GET", "/readyz", "", {}, std::chrono::seconds(10)});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code(), ErrorCode::unreachable);
  EXPECT_EQ(
      reply.error().message(),
      "Get \"https://127.0.0.1:1/readyz\": dial tcp 127.0.0.1:1: connect: connection refused");
}

}  // namespace
}  // namespace harness::standin
