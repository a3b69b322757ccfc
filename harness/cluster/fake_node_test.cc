#include "harness/cluster/fake_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::cluster {
namespace {

using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(5));
}

TEST(FakeNode, answers_by_the_last_rule_that_matches) {
  FakeNode node;
  node.on_run("systemctl", exec::CommandResult{.out = "first"});
  node.on_run("systemctl restart", exec::CommandResult{.out = "second"});
  EXPECT_EQ(node.run({.argv = {"systemctl", "restart", "x"}}, soon())->out, "second");
  EXPECT_EQ(node.run({.argv = {"systemctl", "stop", "x"}}, soon())->out, "first");
  const auto unknown = node.run({.argv = {"ls"}}, soon());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(unknown.error().message(), HasSubstr("no answer is scripted for run: ls"));
}

TEST(FakeNode, records_the_traffic) {
  FakeNode node;
  node.on_guard("arm", [](const Json& record) {
    return std::vector<Json>{{{"type", "armed"}, {"id", record["id"]}}};
  });
  node.on_http("/readyz", 200, "ok");
  node.on_file("/etc/x", "content");
  EXPECT_EQ(node.guard("arm", {{"id", "a"}}, soon())->at(0)["id"], "a");
  EXPECT_EQ(node.http({.port = 6443, .path = "/readyz"}, soon())->status, 200);
  EXPECT_EQ(*node.read_file("/etc/x", soon()), "content");
  ASSERT_TRUE(node.upload("/tmp/a", "/opt/a", 0755, soon()));
  const auto traffic = node.traffic();
  ASSERT_EQ(traffic.size(), 4u);
  EXPECT_EQ(traffic[0].record["id"], "a");
  EXPECT_EQ(traffic[1].text, "GET 127.0.0.1:6443/readyz");
  EXPECT_EQ(node.uploads().at("/opt/a"), "/tmp/a");
}

TEST(FakeNode, streams_what_the_test_feeds) {
  FakeNode node;
  FakeStream feed = node.on_stream("watch");
  auto stream = node.guard_stream("watch", {}, soon());
  ASSERT_TRUE(stream);
  EXPECT_FALSE((*stream)->next(Deadline::after(std::chrono::milliseconds(1)))->has_value());
  feed.feed({{"type", "clock"}});
  EXPECT_EQ((**(*stream)->next(soon()))["type"], "clock");
  node.lose_connection("gone");
  const auto lost = (*stream)->next(soon());
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code(), ErrorCode::unreachable);
  stream->reset();
  EXPECT_TRUE(feed.closed());
}

TEST(FakeNode, loses_and_finds_its_connection) {
  FakeNode node;
  node.lose_connection();
  EXPECT_FALSE(node.connected());
  const auto answer = node.guard("facts", {}, soon());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::unreachable);
  node.set_reconnect_error(Error(ErrorCode::timed_out, "no route"));
  EXPECT_EQ(node.reconnect(soon()).error().code(), ErrorCode::timed_out);
  node.set_boot_id("another");
  const auto back = node.reconnect(soon());
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->rebooted);
  EXPECT_TRUE(node.connected());
  EXPECT_FALSE(node.reconnect(soon())->rebooted);
}

}  // namespace
}  // namespace harness::cluster
