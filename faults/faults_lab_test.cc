// The faults on a real node: each one does its damage, proves it, and the node is whole afterwards.

#include <algorithm>

#include <gmock/gmock.h>

#include "faults/lab_fixture.h"
#include "faults/look.h"
#include "harness/base/eventually.h"

namespace harness::fault {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

TEST_F(OnTheLab, a_healthy_node_gives_a_state_without_an_error) {
  settle();
  const auto version = Version::parse(kVersion).value();
  std::vector<Json> states;
  observe::take_state(
      *access_,
      {.phase = observe::Phase::before, .expected = version},
      [&](Json state) { states.push_back(std::move(state)); },
      Deadline::after(minutes(1)));
  EXPECT_EQ(states.size(), 2 * access_->servers().size() + 5 * access_->nodes().size());
  for (const Json& state : states) {
    EXPECT_FALSE(state.contains("error")) << state.dump();
  }
  const auto found = upgrade::read_version(*access_, node(), Deadline::after(seconds(20)));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->matches(version)) << found->describe();
}

TEST_F(OnTheLab, a_node_without_the_mark_is_refused) {
  const auto injected = inject(
      *access_, node(), request("kill-pod", {{"pod", "etcd"}}), {}, Deadline::after(minutes(1)));
  ASSERT_FALSE(injected);
  EXPECT_EQ(injected.error().code(), ErrorCode::refused);
  EXPECT_THAT(injected.error().message(), HasSubstr("hookshot allow"));
}

// Two pods in turn: kubelet makes one that dies again wait longer each time.
TEST_F(OnTheLab, every_way_to_kill_a_pod_replaces_its_container) {
  allow();
  const std::vector<std::pair<const char*, const char*>> all = {
      {"task", "kube-scheduler"},
      {"process", "kube-controller-manager"},
      {"shim", "kube-scheduler"},
      {"sandbox", "kube-controller-manager"}};
  for (const auto& [how, pod] : all) {
    settle();
    const std::string before = container_of(pod);
    const auto injected = inject(*access_,
                                 node(),
                                 request("kill-pod", {{"pod", pod}, {"how", how}}),
                                 {},
                                 Deadline::after(minutes(2)));
    ASSERT_TRUE(injected) << injected.error().message();
    ASSERT_TRUE(injected->outcome) << injected->outcome.error().message();
    EXPECT_EQ(injected->outcome->outcome, "applied") << injected->outcome->reason;
    EXPECT_THAT(injected->outcome->record["evidence"].dump(), HasSubstr(before));
    EXPECT_TRUE(injected->healed.clean());
    EXPECT_NE(another(
                  pod, before, [&] { return container_of(pod); }, minutes(2)),
              "")
        << how;
  }
  settle();
}

// The pod is gone while its manifest is, and a pod with another UID is another container.
TEST_F(OnTheLab, a_manifest_that_is_away_or_another_is_felt_and_comes_back) {
  allow();
  const std::string file = node().data_dir() + "/agent/pod-manifests/kube-scheduler.yaml";
  const std::vector<std::pair<const char*, Params>> all = {
      {"move-manifest", {{"pod", "kube-scheduler"}, {"duration", "20s"}}},
      {"rewrite-manifest", {{"pod", "kube-scheduler"}, {"duration", "20s"}}},
      {"rewrite-manifest", {{"pod", "kube-scheduler"}, {"how", "break"}, {"duration", "20s"}}}};
  for (const auto& [name, params] : all) {
    begins_anew(node(), "kubelet");
    settle();
    const std::string before = container_of("kube-scheduler");
    const std::string text = node().read_file(file, Deadline::after(seconds(20))).value();
    InjectRequest made = request(name, params);
    const Heartbeat heartbeat({&node()}, cluster_->name(), seconds(3));
    ASSERT_TRUE(arm(node(), made.fault, made.arm, Deadline::after(seconds(30))));
    const auto outcome =
        await(node(), cluster_->name(), made.arm.id, {}, Deadline::after(seconds(30)));
    ASSERT_TRUE(outcome) << outcome.error().message();
    EXPECT_EQ(outcome->outcome, "applied") << outcome->reason;
    const auto felt = eventually(
        "the container ends", Deadline::after(seconds(60)), std::chrono::milliseconds(200), [&] {
          const std::string now = container_of("kube-scheduler");
          return Result<Observation>(Observation{.done = now != before, .seen = now});
        });
    EXPECT_TRUE(felt) << name << ": " << felt.error().message();
    const Status undone =
        await_undone(node(), cluster_->name(), made.arm.id, Deadline::after(minutes(1)));
    EXPECT_TRUE(undone) << undone.error().message();
    EXPECT_EQ(node().read_file(file, Deadline::after(seconds(20))).value(), text) << name;
    settle();
    EXPECT_NE(container_of("kube-scheduler"), "") << name;
  }
}

TEST_F(OnTheLab, a_fault_whose_controller_is_gone_is_taken_back_by_the_node) {
  allow();
  settle();
  InjectRequest made = request("kill-pod", {{"pod", "etcd"}});
  event::WindowDef never;
  never.name = "never";
  never.open = {event::marker_from_json({{"log", "this line is never written"}}).value()};
  never.close = never.open;
  made.arm.trigger.window = never;
  made.arm.lease = std::chrono::milliseconds(2000);
  const std::string before = container_of("etcd");
  ASSERT_TRUE(arm(node(), made.fault, made.arm, Deadline::after(seconds(30))));
  const auto outcome =
      await(node(), cluster_->name(), made.arm.id, {}, Deadline::after(seconds(60)));
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->outcome, "expired");
  const HealReport report =
      heal(cluster_->nodes(), cluster_->name(), "", {}, Deadline::after(minutes(1)));
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(container_of("etcd"), before);
  const Json clean = observe::clean_state(node(), cluster_->name(), Deadline::after(seconds(20)));
  EXPECT_EQ(clean["left"], Json::array()) << clean.dump();
}

TEST_F(OnTheLab, a_reboot_under_a_restart_is_survived_and_told) {
  allow();
  settle();
  const std::string boot = observe::read_boot_id(node(), Deadline::after(seconds(20))).value();
  InjectRequest made = request("reboot", {{"how", "graceful"}});
  event::WindowDef starting;
  starting.name = "starting";
  starting.open = {event::marker_from_json({{"log", "Running kubelet *"}}).value()};
  starting.close = {event::marker_from_json({{"log", "rke2 is up and running"}}).value()};
  made.arm.trigger.window = starting;
  ASSERT_TRUE(preflight(*access_, node(), made, Deadline::after(seconds(30))));
  const Heartbeat heartbeat({&node()}, cluster_->name(), seconds(3));
  ASSERT_TRUE(arm(node(), made.fault, made.arm, Deadline::after(seconds(30))));
  const auto restarted = upgrade::restart(node(), Deadline::after(minutes(6)));
  ASSERT_TRUE(restarted) << restarted.error().message();
  EXPECT_TRUE(restarted->ok) << restarted->text;
  EXPECT_TRUE(restarted->rebooted);
  EXPECT_EQ(restarted->job_result, "lost");
  EXPECT_NE(restarted->after.boot_id, boot);
  const auto outcome =
      await(node(), cluster_->name(), made.arm.id, {}, Deadline::after(minutes(1)));
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->outcome, "applied");
  EXPECT_THAT(outcome->evidence, HasSubstr("came back"));
  EXPECT_TRUE(
      heal(cluster_->nodes(), cluster_->name(), "", {}, Deadline::after(minutes(1))).clean());
  settle();
}

}  // namespace
}  // namespace harness::fault
