#include "harness/observe/control_plane.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "harness/cluster/borrowed_node.h"
#include "harness/observe/fake_server.h"

namespace harness::observe {
namespace {

using testing::HasSubstr;
using testing::Not;

const Deadline kSoon = Deadline::after(std::chrono::seconds(5));

long reads(const cluster::FakeNode& node) {
  const auto traffic = node.traffic();
  return std::count_if(
      traffic.begin(), traffic.end(), [](const auto& seen) { return seen.kind == "read"; });
}

void answer_with(FakeServer& server, const std::string& text, ErrorCode code) {
  server.node.on_http(text, [code](const cluster::HttpRequest&) -> Result<cluster::HttpResponse> {
    return fail(code, "scripted");
  });
}

TEST(ControlPlane, asks_the_apiserver_as_admin_and_reads_the_certificates_once) {
  FakeServer server;
  std::string cert;
  std::string key;
  std::string ca;
  server.node.on_http(":6443/livez", [&](const cluster::HttpRequest& request) {
    cert = request.client_cert_pem;
    key = request.client_key_pem;
    ca = request.ca_pem;
    return cluster::HttpResponse{.status = 200, .body = "ok", .latency = Microseconds(5)};
  });
  ControlPlane plane(server.node);
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::ok);
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::ok);
  EXPECT_EQ(cert, "PEM of client-admin.crt");
  EXPECT_EQ(key, "PEM of client-admin.key");
  EXPECT_EQ(ca, "PEM of server-ca.crt");
  EXPECT_EQ(reads(server.node), 3);
}

TEST(ControlPlane, reads_the_certificates_again_after_a_401) {
  FakeServer server;
  server.node.on_http(":6443/livez", 401, "Unauthorized");
  ControlPlane plane(server.node);
  const Answer answer = plane.apiserver("/livez", kSoon);
  EXPECT_EQ(answer.outcome, Outcome::refused);
  EXPECT_EQ(answer.status, 401);
  (void)plane.apiserver("/livez", kSoon);
  EXPECT_EQ(reads(server.node), 6);
}

TEST(ControlPlane, tells_apart_what_is_a_fact_about_the_product_and_what_is_not) {
  FakeServer server;
  ControlPlane plane(server.node);
  answer_with(server, ":6443/livez", ErrorCode::remote_failed);
  Answer answer = plane.apiserver("/livez", kSoon);
  EXPECT_EQ(answer.outcome, Outcome::not_ok);
  EXPECT_EQ(answer.status, 0);
  answer_with(server, ":6443/livez", ErrorCode::refused);
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::wrong_process);
  (void)plane.apiserver("/readyz", kSoon);
  answer_with(server, ":6443/livez", ErrorCode::timed_out);
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::timeout);
  server.node.on_http(":6443/livez", 503, "");
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::not_ok);
  server.node.on_http(":6443/livez", 403, "");
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::refused);
  server.node.lose_connection();
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::unreachable);
}

TEST(ControlPlane, never_holds_a_silent_node_against_the_product) {
  FakeServer server;
  ControlPlane plane(server.node);
  for (const char* text : {":6443/livez", ":2381/health", "maintenance/status", ":9345"}) {
    answer_with(server, text, ErrorCode::unreachable);
  }
  ASSERT_TRUE(server.node.connected()) << "the connection does not know yet that it is dead";
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::unreachable);
  EXPECT_EQ(plane.etcd_health(kSoon).outcome, Outcome::unreachable);
  EXPECT_EQ(plane.etcd("/v3/maintenance/status", Json::object(), kSoon).outcome,
            Outcome::unreachable);
  EXPECT_EQ(plane.supervisor(kSoon).outcome, Outcome::unreachable);
}

TEST(ControlPlane, does_not_call_it_a_timeout_when_its_own_reading_took_the_time) {
  FakeServer server;
  ControlPlane plane(server.node);
  answer_with(server, ":6443/livez", ErrorCode::timed_out);
  const Answer first = plane.apiserver("/livez", kSoon);
  EXPECT_EQ(first.outcome, Outcome::unreachable);
  EXPECT_THAT(first.error, HasSubstr("credentials"));
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::timeout);
  server.node.on_http(":6443/livez", 401, "Unauthorized");
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::refused);
  answer_with(server, ":6443/livez", ErrorCode::timed_out);
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::unreachable);
}

TEST(ControlPlane, reads_a_pair_again_whose_halves_do_not_belong_together) {
  FakeServer server;
  ControlPlane plane(server.node);
  answer_with(server, ":6443/livez", ErrorCode::invalid_input);
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::refused);
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::refused);
  EXPECT_EQ(reads(server.node), 6);
}

// Reads files no faster than the deadline allows.
class SlowDisk final : public cluster::BorrowedNode {
 public:
  using BorrowedNode::BorrowedNode;

  Result<std::string> read_file(const std::string&, Deadline) override {
    return fail(ErrorCode::timed_out, "no answer in time");
  }
};

TEST(ControlPlane, does_not_call_it_a_timeout_when_nothing_was_asked) {
  FakeServer server;
  SlowDisk node(server.node);
  ControlPlane plane(node);
  EXPECT_EQ(plane.apiserver("/livez", kSoon).outcome, Outcome::unreachable);
  EXPECT_EQ(plane.etcd("/v3/maintenance/status", Json::object(), kSoon).outcome,
            Outcome::unreachable);
  EXPECT_EQ(plane.supervisor(kSoon).outcome, Outcome::unreachable);
  EXPECT_TRUE(server.node.traffic().empty());
}

TEST(ControlPlane, knows_nothing_when_it_cannot_read_its_own_credentials) {
  FakeServer server;
  server.node.set_data_dir("/elsewhere");
  ControlPlane plane(server.node);
  const Answer answer = plane.etcd("/v3/maintenance/status", Json::object(), kSoon);
  EXPECT_EQ(answer.outcome, Outcome::refused);
  EXPECT_THAT(answer.error, HasSubstr("no such file"));
}

TEST(ControlPlane, takes_etcd_at_its_word_and_not_at_its_status) {
  FakeServer server;
  server.etcd_health = "false";
  ControlPlane plane(server.node);
  EXPECT_EQ(plane.etcd_health(kSoon).outcome, Outcome::not_ok);
}

TEST(ControlPlane, asks_the_supervisor_as_node_and_never_shows_the_password) {
  FakeServer server;
  std::string user;
  server.node.on_http(":9345", [&](const cluster::HttpRequest& request) {
    user = request.basic_user;
    return cluster::HttpResponse{
        .status = 503, .body = "runtime core not ready", .latency = Microseconds(5)};
  });
  ControlPlane plane(server.node);
  const Answer answer = plane.supervisor(kSoon);
  EXPECT_EQ(user, "node:swordfish");
  EXPECT_EQ(answer.outcome, Outcome::not_ok);
  for (const auto& seen : server.node.traffic()) {
    EXPECT_THAT(seen.text + seen.record.dump(), Not(HasSubstr("swordfish")));
  }
}

TEST(ControlPlane, turns_answers_into_errors_that_say_who_must_act) {
  FakeServer server;
  ControlPlane plane(server.node);
  server.node.on_http("/api/v1/nodes", 500, "etcdserver: no leader");
  const auto failed = plane.apiserver_json("/api/v1/nodes", kSoon);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(failed.error().message(), HasSubstr("etcdserver: no leader"));
  server.node.on_http("/api/v1/nodes", 403, "no");
  EXPECT_EQ(plane.apiserver_json("/api/v1/nodes", kSoon).error().code(), ErrorCode::refused);
}

TEST(Access, asks_the_next_server_when_one_does_not_answer) {
  FakeServer first("cp-1", "192.0.2.11");
  FakeServer second("cp-2", "192.0.2.12");
  FakeServer worker("w-1", "192.0.2.21", false);
  first.node.on_http("/api/v1/nodes", 503, "");
  const Access access("lab", {&first.node, &second.node, &worker.node});
  EXPECT_EQ(access.servers().size(), 2u);
  EXPECT_EQ(access.of(worker.node), nullptr);
  std::string asked;
  EXPECT_TRUE(access.api("/api/v1/nodes", kSoon, &first.node, &asked));
  EXPECT_EQ(asked, "cp-2");
}

TEST(Access, has_nobody_to_ask_without_a_server) {
  FakeServer worker("w-1", "192.0.2.21", false);
  const Access access("lab", {&worker.node});
  EXPECT_EQ(access.api("/version", kSoon).error().code(), ErrorCode::invalid_input);
}

}  // namespace
}  // namespace harness::observe
