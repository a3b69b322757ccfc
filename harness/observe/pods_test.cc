#include "harness/observe/pods.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "harness/observe/fake_server.h"

namespace harness::observe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

const Deadline kSoon = Deadline::after(std::chrono::seconds(5));

const StaticPod kNoPod;

std::ptrdiff_t asked_of_containers(const FakeServer& server) {
  return std::ranges::count_if(server.node.traffic(), [](const cluster::FakeNode::Seen& one) {
    return one.text.find("containers info") != std::string::npos;
  });
}

const StaticPod& named(const std::vector<StaticPod>& pods, const std::string& name) {
  for (const StaticPod& pod : pods) {
    if (pod.pod == name) {
      return pod;
    }
  }
  return kNoPod;
}

TEST(Manifest, gives_its_own_uid_and_no_other) {
  EXPECT_EQ(
      manifest_uid("apiVersion: v1\nmetadata:\n  name: etcd\n  uid: \"abc\"\nspec:\n  uid: x\n"),
      "abc");
  EXPECT_EQ(manifest_uid(R"({"metadata": {"uid": "def"}, "spec": {"uid": "x"}})"), "def");
  EXPECT_EQ(manifest_uid("spec:\n  uid: x\nmetadata:\n  labels:\n    uid: y\n"), "");
  EXPECT_EQ(manifest_uid(""), "");
}

TEST(Tasks, counts_only_those_that_run) {
  EXPECT_THAT(running_tasks("TASK PID STATUS\na 12 RUNNING\nb 13 STOPPED\nc x RUNNING\n"),
              ElementsAre(Pair("a", 12)));
}

TEST(StaticPods, matches_one_ready_sandbox_with_the_manifest_s_uid) {
  FakeServer server;
  const auto pods = StaticPods(server.node).read(kSoon);
  ASSERT_TRUE(pods) << pods.error().message();
  const StaticPod& etcd = named(*pods, "etcd");
  EXPECT_TRUE(etcd.matches()) << etcd.describe();
  ASSERT_EQ(etcd.containers.size(), 1u);
  EXPECT_EQ(etcd.containers[0].pid, 11);
  EXPECT_EQ(etcd.containers[0].started_wall_us, *parse_wall("2025-05-16T09:07:39.123456Z"));
  const Json json = to_json(etcd);
  EXPECT_EQ(json["sandboxes"][0]["state"], "ready");
  EXPECT_EQ(json["manifest_uid"], "uid-of-etcd");
}

TEST(StaticPods, does_not_take_an_old_sandbox_for_the_new_one) {
  FakeServer server;
  server.sandbox_uid = "uid-of-the-old-etcd";
  const auto pods = StaticPods(server.node).read(kSoon);
  ASSERT_TRUE(pods);
  EXPECT_FALSE(named(*pods, "etcd").matches());
  EXPECT_TRUE(named(*pods, "kube-apiserver").matches());
}

TEST(StaticPods, does_not_take_a_stopped_container_for_a_running_one) {
  FakeServer server;
  server.node.on_run("tasks list",
                     exec::CommandResult{.exit_status = 0,
                                         .signal = 0,
                                         .out = "TASK PID STATUS\ns-etcd 10 RUNNING\n",
                                         .err = "",
                                         .cut = false});
  const auto pods = StaticPods(server.node).read(kSoon);
  ASSERT_TRUE(pods);
  EXPECT_FALSE(named(*pods, "etcd").matches());
  EXPECT_THAT(named(*pods, "etcd").describe(), HasSubstr("0 running containers"));
}

TEST(StaticPods, says_that_a_manifest_is_missing_in_the_apiserver_gap) {
  FakeServer server;
  server.node.on_run(
      "ls -1",
      exec::CommandResult{
          .exit_status = 0, .signal = 0, .out = "etcd.yaml\n", .err = "", .cut = false});
  const auto pods = StaticPods(server.node).read(kSoon);
  ASSERT_TRUE(pods);
  EXPECT_THAT(named(*pods, "kube-apiserver").describe(), HasSubstr("has no manifest"));
}

TEST(StaticPods, reports_a_containerd_that_does_not_answer) {
  FakeServer server;
  server.node.on_run("tasks list",
                     exec::CommandResult{.exit_status = 1,
                                         .signal = 0,
                                         .out = "",
                                         .err = "ctr: connection refused",
                                         .cut = false});
  const auto pods = StaticPods(server.node).read(kSoon);
  ASSERT_FALSE(pods);
  EXPECT_EQ(pods.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(pods.error().message(), HasSubstr("connection refused"));
}

TEST(StaticPods, asks_for_each_container_once_and_for_another_anew) {
  FakeServer server;
  StaticPods pods(server.node);
  ASSERT_TRUE(pods.read(kSoon));
  EXPECT_EQ(asked_of_containers(server), 4);
  const auto again = pods.read(kSoon);
  ASSERT_TRUE(again);
  EXPECT_TRUE(named(*again, "etcd").matches());
  EXPECT_EQ(asked_of_containers(server), 4);
  server.etcd_container = "c-etcd-2";
  const auto another = pods.read(kSoon);
  ASSERT_TRUE(another);
  EXPECT_EQ(named(*another, "etcd").containers.at(0).id, "c-etcd-2");
  EXPECT_EQ(asked_of_containers(server), 5);
  server.etcd_container = "c-etcd";
  ASSERT_TRUE(pods.read(kSoon));
  EXPECT_EQ(asked_of_containers(server), 6) << "what was gone is not remembered";
}

TEST(StaticPods, leaves_out_what_went_away_while_it_was_read) {
  FakeServer server;
  int listed = 0;
  server.node.on_run("containers list", [&](const exec::Command&) {
    exec::CommandResult result;
    result.out = ++listed == 1 ? "s-etcd\nc-etcd\nc-old\n" : "s-etcd\nc-etcd\n";
    return result;
  });
  exec::CommandResult not_found;
  not_found.exit_status = 1;
  server.node.on_run("info c-old", not_found);
  const auto pods = StaticPods(server.node).read(kSoon);
  ASSERT_TRUE(pods) << pods.error().message();
  EXPECT_TRUE(named(*pods, "etcd").matches());
}

}  // namespace
}  // namespace harness::observe
