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
    return ServerReply{200, request.body, "text/plain"};
  });
  const auto later = client.send({"POST", "/echo", "pong", {}, std::chrono::seconds(10)});
  ASSERT_TRUE(later) << later.error().message();
  EXPECT_EQ(later->body, "pong");
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
