#include "harness/observe/etcd.h"

#include <gmock/gmock.h>

#include "harness/observe/fake_server.h"

namespace harness::observe {
namespace {

using testing::HasSubstr;

const Deadline kSoon = Deadline::after(std::chrono::seconds(5));

TEST(EtcdState, shows_etcd_with_members_alarms_and_a_hash_at_the_revision_asked_for) {
  FakeServer server;
  ControlPlane plane(server.node);
  const Json state = etcd_state(plane, 4711, kSoon);
  EXPECT_EQ(state["type"], "state.etcd");
  EXPECT_EQ(state["healthy"], true);
  EXPECT_EQ(state["member_id"], "101");
  EXPECT_EQ(state["revision"], 4711);
  EXPECT_EQ(state["raft_term"], 3);
  EXPECT_EQ(state["hash"], 12345);
  EXPECT_EQ(state["hash_revision"], 4711);
  EXPECT_EQ(state["compact_revision"], 4000);
  EXPECT_EQ(state["hash_kind"], "kv");
  EXPECT_EQ(state["members"].size(), 1u);
  EXPECT_FALSE(state.contains("error"));
}

TEST(EtcdState, shows_an_etcd_that_does_not_answer_as_an_error_and_not_as_empty) {
  FakeServer server;
  server.node.on_http("maintenance/status", 503, "no");
  ControlPlane plane(server.node);
  const Json state = etcd_state(plane, 0, kSoon);
  EXPECT_EQ(state["reachable"], false);
  EXPECT_THAT(json_string(state, "error"), HasSubstr("503"));
  EXPECT_FALSE(state.contains("members"));
}

TEST(EtcdState, does_not_call_a_member_ill_that_could_not_be_asked) {
  FakeServer server;
  server.node.on_http(":2381/health",
                      [](const cluster::HttpRequest&) -> Result<cluster::HttpResponse> {
                        return fail(ErrorCode::timed_out, "no answer in time");
                      });
  ControlPlane plane(server.node);
  const Json state = etcd_state(plane, 0, kSoon);
  EXPECT_FALSE(state.contains("healthy"));
  EXPECT_THAT(json_string(state, "error"), HasSubstr("/health: timeout"));
  server.node.on_http(":2381/health", 503, R"({"health":"false"})");
  EXPECT_EQ(etcd_state(plane, 0, kSoon)["healthy"], false);
}

// A gateway as etcd 3.5.9 has it: both calls at one path, the one for keys answering.
TEST(EtcdHash, takes_the_older_path_where_the_answer_is_a_hash_of_keys) {
  FakeServer server;
  server.node.on_http("maintenance/hash", [](const cluster::HttpRequest& request) {
    const bool kv = request.path.ends_with("hashkv");
    return cluster::HttpResponse{
        .status = kv ? 404 : 200,
        .body = kv ? "Not Found" : R"({"header":{},"hash":99,"compact_revision":"-1"})"};
  });
  ControlPlane plane(server.node);
  const Json hash = etcd_hash(plane, 12, kSoon);
  EXPECT_EQ(hash["hash"], 99);
  EXPECT_EQ(hash["hash_revision"], 12);
  EXPECT_EQ(hash["compact_revision"], -1);
}

TEST(EtcdHash, never_takes_the_hash_of_a_whole_backend_for_it) {
  FakeServer server;
  server.node.on_http("maintenance/hash", [](const cluster::HttpRequest& request) {
    const bool kv = request.path.ends_with("hashkv");
    return cluster::HttpResponse{.status = kv ? 404 : 200,
                                 .body = kv ? "Not Found" : R"({"header":{},"hash":2509532916})"};
  });
  ControlPlane plane(server.node);
  const Json state = etcd_state(plane, 12, kSoon);
  EXPECT_FALSE(state.contains("hash"));
  EXPECT_THAT(json_string(state, "error"), HasSubstr("no HashKV"));
}

TEST(EtcdHash, says_what_etcd_said_when_it_has_none) {
  FakeServer server;
  server.node.on_http("maintenance/hashkv",
                      400,
                      R"({"code":11,"message":"etcdserver: mvcc: required revision is a future )"
                      R"(revision"})");
  ControlPlane plane(server.node);
  EXPECT_THAT(json_string(etcd_hash(plane, 12, kSoon), "error"), HasSubstr("future revision"));
}

struct Pair {
  FakeServer first{"cp-1", "192.0.2.11"};
  FakeServer second{"cp-2", "192.0.2.12"};
  Access access{"lab", {&first.node, &second.node}};
};

TEST(EtcdHashes, are_all_taken_at_the_lowest_revision_of_any_member) {
  Pair pair;
  pair.first.revision = 4720;
  pair.second.revision = 4715;
  const auto hashes = etcd_hashes(pair.access, kSoon);
  ASSERT_EQ(hashes.size(), 2u);
  for (const Json& hash : hashes) {
    EXPECT_EQ(hash["hash_revision"], 4715);
  }
  EXPECT_EQ(pair.first.hashed_at, R"({"revision":"4715"})");
  EXPECT_EQ(pair.second.hashed_at, R"({"revision":"4715"})");
}

TEST(EtcdHashes, leave_out_a_member_that_does_not_tell_its_revision) {
  Pair pair;
  pair.first.node.lose_connection();
  const auto hashes = etcd_hashes(pair.access, kSoon);
  EXPECT_THAT(json_string(hashes.at(0), "error"), HasSubstr("connection reset"));
  EXPECT_EQ(hashes.at(1)["hash_revision"], 4711);
  pair.second.node.lose_connection();
  for (const Json& hash : etcd_hashes(pair.access, kSoon)) {
    EXPECT_THAT(json_string(hash, "error"), HasSubstr("no etcd member says"));
  }
}

TEST(EtcdHashes, are_taken_again_when_a_compaction_passed_between_them) {
  Pair pair;
  int asked = 0;
  pair.second.node.on_http("maintenance/hashkv", [&](const auto&) {
    if (++asked == 2) {
      pair.first.compacted = 4500;
    }
    return cluster::HttpResponse{.status = 200,
                                 .body = R"({"hash":12345,"compact_revision":"4500"})"};
  });
  const auto again = etcd_hashes(pair.access, kSoon);
  EXPECT_EQ(again.at(0)["compact_revision"], 4500);
  EXPECT_EQ(again.at(1)["compact_revision"], 4500);
}

TEST(EtcdHashes, are_not_compared_after_different_compactions) {
  Pair pair;
  pair.second.compacted = 4500;
  for (const Json& hash : etcd_hashes(pair.access, kSoon)) {
    EXPECT_FALSE(hash.contains("hash"));
    EXPECT_THAT(json_string(hash, "error"), HasSubstr("4000, 4500"));
  }
}

}  // namespace
}  // namespace harness::observe
