#include "harness/upgrade/rolling.h"

#include <gmock/gmock.h>

#include "harness/observe/fake_server.h"

namespace harness::upgrade {
namespace {

using observe::FakeServer;
using testing::ElementsAre;
using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(30));
}

Version version(const char* tag) {
  return Version::parse(tag).value();
}

// Puts the version on the fake's disk, or fails as told.
class FakeMethod final : public InstallMethod {
 public:
  explicit FakeMethod(std::vector<FakeServer*> servers) : servers_(std::move(servers)) {}

  std::string_view name() const override { return "fake"; }

  Status verify(const Version&) const override { return verified; }

  Status clear(cluster::Node&, Deadline) const override { return {}; }

  using InstallMethod::install;

  Result<Installed> install(cluster::Node& node,
                            const Version& to,
                            Deadline,
                            std::stop_token stop) const override {
    order.push_back(node.name());
    if (while_installing) {
      while_installing();
    }
    if (stop.stop_requested()) {
      return fail(ErrorCode::refused, "interrupted; on disk is what was there");
    }
    if (!installs) {
      return fail(installs.error());
    }
    for (FakeServer* server : servers_) {
      if (&server->node == &node) {
        server->disk = to.tag();
        server->installed = true;
      }
    }
    return Installed{.version = to.tag(), .commit = "c"};
  }

  Status verified;
  Status installs;
  std::function<void()> while_installing;
  mutable std::vector<std::string> order;

 private:
  std::vector<FakeServer*> servers_;
};

struct Bench {
  FakeServer server;
  FakeMethod method{{&server}};
  observe::Access access{"lab", {&server.node}};
  std::vector<Json> events;

  Rollout rollout() {
    return {.access = access,
            .method = method,
            .sink = [this](Json event) { events.push_back(std::move(event)); },
            .stop = {},
            .ready_limit = std::chrono::seconds(1),
            .settle = {.quiet = std::chrono::milliseconds(0),
                       .period = std::chrono::milliseconds(1),
                       .wait_for_back_off = true}};
  }

  Json finished(const std::string& step) const {
    for (const Json& event : events) {
      if (event["type"] == "step.finished" && event["step"] == step) {
        return event;
      }
    }
    return {};
  }
};

TEST(RollingOrder, is_servers_first_each_in_inventory_order) {
  FakeServer w1("w-1", "192.0.2.21", false);
  FakeServer cp2("cp-2", "192.0.2.12");
  FakeServer cp1("cp-1", "192.0.2.11");
  std::vector<std::string> names;
  for (const cluster::Node* node : rolling_order({&w1.node, &cp2.node, &cp1.node})) {
    names.push_back(node->name());
  }
  EXPECT_THAT(names, ElementsAre("cp-2", "cp-1", "w-1"));
}

TEST(NodeVersions, are_disk_process_and_kubelet) {
  FakeServer server;
  server.set_version("v1.30.13-rc2+rke2r1");
  server.running = "v1.30.13-rc1+rke2r1";
  const observe::Access access("lab", {&server.node});
  const auto found = read_version(access, server.node, soon());
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->matches(version("v1.30.13-rc2+rke2r1")));
  EXPECT_THAT(found->describe(), HasSubstr("running v1.30.13-rc1+rke2r1"));
  server.running = "v1.30.13-rc2+rke2r1";
  EXPECT_TRUE(read_version(access, server.node, soon())->matches(version("v1.30.13-rc2+rke2r1")));
}

TEST(UpgradeNode, installs_restarts_and_waits_and_tells_each_step) {
  Bench bench;
  const auto upgraded =
      upgrade_node(bench.rollout(), bench.server.node, version("v1.30.13-rc2+rke2r1"), soon());
  ASSERT_TRUE(upgraded) << upgraded.error().message();
  EXPECT_TRUE(upgraded->ok());
  std::vector<std::string> steps;
  for (const Json& event : bench.events) {
    steps.push_back(json_string(event, "type") + " " + json_string(event, "step"));
  }
  EXPECT_THAT(steps,
              ElementsAre("step.started install",
                          "step.finished install",
                          "step.started restart",
                          "step.finished restart",
                          "step.started settle",
                          "step.finished settle"));
  const Json restarted = bench.finished("restart");
  EXPECT_EQ(restarted["job_result"], "done");
  EXPECT_EQ(restarted["exit_status"], 0);
  EXPECT_EQ(restarted["version"], "v1.30.13-rc2+rke2r1");
  EXPECT_TRUE(restarted.contains("duration_us"));
}

TEST(UpgradeNode, enables_the_service_so_that_it_survives_a_reboot) {
  Bench bench;
  ASSERT_TRUE(upgrade_node(bench.rollout(), bench.server.node, version("v1.30.13+rke2r1"), soon()));
  const auto traffic = bench.server.node.traffic();
  EXPECT_TRUE(std::any_of(traffic.begin(), traffic.end(), [](const auto& seen) {
    return seen.text == "systemctl enable rke2-server.service";
  }));
}

TEST(UpgradeNode, gives_a_failed_job_as_the_product_s_and_waits_on) {
  Bench bench;
  bench.server.node.on_run("systemctl restart", [&](const exec::Command&) {
    bench.server.running = bench.server.disk;
    bench.server.kubelet = "v1.30.13+rke2r1";
    exec::CommandResult result;
    result.exit_status = 1;
    result.err = "Job for rke2-server.service failed.";
    return result;
  });
  const auto upgraded =
      upgrade_node(bench.rollout(), bench.server.node, version("v1.30.13+rke2r1"), soon());
  ASSERT_TRUE(upgraded);
  EXPECT_FALSE(upgraded->ok());
  EXPECT_EQ(upgraded->restart.job_result, "failed");
  EXPECT_EQ(upgraded->not_ready, "");
  EXPECT_EQ(bench.finished("restart")["ok"], false);
  EXPECT_THAT(json_string(bench.finished("restart"), "error"), HasSubstr("failed."));
}

TEST(UpgradeNode, gives_a_node_that_does_not_get_ready_as_the_product_s) {
  Bench bench;
  bench.server.supervisor = 503;
  Rollout rollout = bench.rollout();
  const auto upgraded =
      upgrade_node(rollout, bench.server.node, version("v1.30.13+rke2r1"), soon());
  ASSERT_TRUE(upgraded);
  EXPECT_THAT(upgraded->not_ready, HasSubstr("supervisor: HTTP 503"));
}

TEST(UpgradeNode, gives_a_job_that_does_not_end_as_the_product_s) {
  Bench bench;
  bench.server.node.on_run("systemctl restart",
                           [](const exec::Command&) -> Result<exec::CommandResult> {
                             return fail(ErrorCode::timed_out, "no exit");
                           });
  const auto upgraded =
      upgrade_node(bench.rollout(), bench.server.node, version("v1.30.13+rke2r1"), soon());
  ASSERT_TRUE(upgraded);
  EXPECT_EQ(upgraded->restart.job_result, "timed-out");
  EXPECT_THAT(upgraded->not_ready, HasSubstr("did not end in time"));
}

TEST(UpgradeNode, puts_what_was_last_seen_of_a_late_restart_into_its_event) {
  Bench bench;
  bench.server.active = "activating";
  bench.server.sub = "start";
  bench.server.node.hang_on_run("systemctl restart");
  Rollout rollout = bench.rollout();
  rollout.restart_limit = std::chrono::seconds(0);
  const auto upgraded =
      upgrade_node(rollout, bench.server.node, version("v1.30.13+rke2r1"), soon());
  ASSERT_TRUE(upgraded);
  const Json event = bench.finished("restart");
  EXPECT_EQ(event["ok"], false);
  EXPECT_EQ(event["job_result"], "timed-out");
  EXPECT_THAT(json_string(event, "error"), HasSubstr("last seen: activating (start)"));
}

TEST(UpgradeNode, gives_a_canceled_job_as_the_lab_s) {
  Bench bench;
  bench.server.node.on_run("systemctl restart", [&](const exec::Command&) {
    exec::CommandResult result;
    result.exit_status = 1;
    result.err = "Job for rke2-server.service canceled.";
    return result;
  });
  const auto upgraded =
      upgrade_node(bench.rollout(), bench.server.node, version("v1.30.13+rke2r1"), soon());
  ASSERT_FALSE(upgraded);
  EXPECT_EQ(upgraded.error().code(), ErrorCode::remote_failed);
  EXPECT_FALSE(bench.finished("restart").contains("exit_status"));
}

TEST(UpgradeNode, looks_at_the_stop_before_it_installs_and_before_it_restarts) {
  for (const bool while_installing : {false, true}) {
    Bench bench;
    std::stop_source stop;
    bench.server.node.on_run("systemctl enable", [&](const exec::Command&) {
      stop.request_stop();
      return exec::CommandResult();
    });
    if (!while_installing) {
      stop.request_stop();
    }
    Rollout rollout = bench.rollout();
    rollout.stop = stop.get_token();
    const auto upgraded =
        upgrade_node(rollout, bench.server.node, version("v1.30.13+rke2r1"), soon());
    ASSERT_FALSE(upgraded);
    EXPECT_EQ(upgraded.error().code(), ErrorCode::refused);
    EXPECT_THAT(upgraded.error().message(), HasSubstr("cp-1: interrupted before the"));
    EXPECT_EQ(bench.method.order.size(), while_installing ? 1u : 0u);
    EXPECT_TRUE(bench.finished("restart").is_null());
  }
}

TEST(UpgradeNode, hands_the_stop_to_the_install_and_tells_its_error) {
  Bench bench;
  std::stop_source stop;
  bench.method.while_installing = [&] { stop.request_stop(); };
  Rollout rollout = bench.rollout();
  rollout.stop = stop.get_token();
  const auto upgraded =
      upgrade_node(rollout, bench.server.node, version("v1.30.13+rke2r1"), soon());
  ASSERT_FALSE(upgraded);
  EXPECT_EQ(upgraded.error().code(), ErrorCode::refused);
  EXPECT_THAT(upgraded.error().message(),
              HasSubstr("install v1.30.13+rke2r1 on cp-1: interrupted; on disk is"));
  EXPECT_THAT(json_string(bench.finished("install"), "error"), HasSubstr("interrupted"));
  EXPECT_TRUE(bench.finished("restart").is_null());
}

TEST(UpgradeNode, does_not_restart_what_was_not_installed) {
  Bench bench;
  bench.method.installs = fail(ErrorCode::not_supported, "cp-1 has 1 MB free");
  const auto upgraded =
      upgrade_node(bench.rollout(), bench.server.node, version("v1.30.13+rke2r1"), soon());
  ASSERT_FALSE(upgraded);
  EXPECT_EQ(upgraded.error().code(), ErrorCode::not_supported);
  EXPECT_EQ(bench.finished("install")["ok"], false);
  for (const auto& seen : bench.server.node.traffic()) {
    EXPECT_THAT(seen.text, testing::Not(HasSubstr("systemctl restart")));
  }
}

TEST(Roll, stops_half_way_when_told_to) {
  Bench bench;
  const auto done =
      roll(bench.rollout(), version("v1.30.13+rke2r1"), soon(), [](const cluster::Node&) {
        return false;
      });
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->empty());
  EXPECT_TRUE(bench.method.order.empty());
}

TEST(Roll, restarts_in_place_without_an_install) {
  Bench bench;
  Rollout rollout = bench.rollout();
  rollout.in_place = true;
  const auto done = roll(rollout, version("v1.30.12+rke2r1"), soon());
  ASSERT_TRUE(done) << done.error().message();
  ASSERT_EQ(done->size(), 1u);
  EXPECT_TRUE(done->front().second.ok());
  EXPECT_TRUE(bench.method.order.empty());
  EXPECT_EQ(bench.finished("restart")["job_result"], "done");
}

TEST(Roll, reboots_the_node_where_the_path_says_so) {
  Bench bench;
  Rollout rollout = bench.rollout();
  rollout.in_place = true;
  rollout.by_reboot = true;
  bench.server.node.on_run("systemctl reboot",
                           [&](const exec::Command&) -> Result<exec::CommandResult> {
                             bench.server.set_boot("boot2");
                             return exec::CommandResult();
                           });
  const auto done = roll(rollout, version("v1.30.12+rke2r1"), soon());
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_TRUE(done->front().second.restart.rebooted);
  const Json step = bench.finished("restart");
  EXPECT_EQ(step["job_result"], "rebooted");
  EXPECT_FALSE(step.contains("exit_status"));
}

TEST(Roll, does_not_go_on_past_a_node_that_is_not_ready) {
  Bench bench;
  bench.server.ready = false;
  const auto done = roll(bench.rollout(), version("v1.30.13+rke2r1"), soon());
  ASSERT_TRUE(done);
  ASSERT_EQ(done->size(), 1u);
  EXPECT_THAT(done->front().second.not_ready, HasSubstr("not Ready"));
}

TEST(BringTo, leaves_alone_what_is_already_there) {
  Bench bench;
  Rollout rollout = bench.rollout();
  ASSERT_TRUE(bring_to(rollout, version("v1.30.12+rke2r1"), soon()));
  EXPECT_TRUE(bench.method.order.empty());
  EXPECT_EQ(bench.finished("settle")["ok"], true);
}

TEST(BringTo, goes_back_within_a_minor_line) {
  Bench bench;
  bench.server.set_version("v1.30.13+rke2r1");
  ASSERT_TRUE(bring_to(bench.rollout(), version("v1.30.11+rke2r1"), soon()));
  EXPECT_THAT(bench.method.order, ElementsAre("cp-1"));
  EXPECT_EQ(bench.server.running, "v1.30.11+rke2r1");
}

TEST(BringTo, tells_a_release_candidate_from_its_release) {
  Bench bench;
  bench.server.set_version("v1.30.13-rc2+rke2r1");
  ASSERT_TRUE(bring_to(bench.rollout(), version("v1.30.13+rke2r1"), soon()));
  EXPECT_EQ(bench.server.disk, "v1.30.13+rke2r1");
}

TEST(BringTo, restarts_a_node_whose_process_is_still_the_old_build) {
  Bench bench;
  bench.server.running = "v1.30.11+rke2r1";
  ASSERT_TRUE(bring_to(bench.rollout(), version("v1.30.12+rke2r1"), soon()));
  EXPECT_THAT(bench.method.order, ElementsAre("cp-1"));
}

TEST(BringTo, installs_what_is_missing_before_a_restart_in_place) {
  Bench bench;
  bench.server.set_version("v1.30.11+rke2r1");
  Rollout rollout = bench.rollout();
  rollout.in_place = true;
  ASSERT_TRUE(bring_to(rollout, version("v1.30.12+rke2r1"), soon()));
  EXPECT_THAT(bench.method.order, ElementsAre("cp-1"));
}

TEST(BringTo, installs_on_an_empty_node) {
  Bench bench;
  bench.server.installed = false;
  ASSERT_TRUE(bring_to(bench.rollout(), version("v1.30.12+rke2r1"), soon()));
  EXPECT_THAT(bench.method.order, ElementsAre("cp-1"));
}

TEST(BringTo, refuses_to_leave_the_minor_line_backwards) {
  Bench bench;
  bench.server.set_version("v1.31.8+rke2r1");
  const Status brought = bring_to(bench.rollout(), version("v1.30.12+rke2r1"), soon());
  ASSERT_FALSE(brought);
  EXPECT_EQ(brought.error().code(), ErrorCode::refused);
  EXPECT_THAT(brought.error().message(), HasSubstr("cp-1 has v1.31.8+rke2r1"));
  EXPECT_TRUE(bench.method.order.empty());
}

TEST(BringTo, touches_nothing_when_the_artifacts_are_wrong) {
  Bench bench;
  bench.method.verified = fail(ErrorCode::invalid_input, "no tarball");
  EXPECT_EQ(bring_to(bench.rollout(), version("v1.30.12+rke2r1"), soon()).error().code(),
            ErrorCode::invalid_input);
  EXPECT_TRUE(bench.server.node.traffic().empty());
}

TEST(BringTo, does_not_call_a_sick_cluster_a_baseline) {
  Bench bench;
  bench.server.ready = false;
  const Status brought = bring_to(
      bench.rollout(), version("v1.30.12+rke2r1"), Deadline::after(std::chrono::milliseconds(100)));
  ASSERT_FALSE(brought);
  EXPECT_EQ(brought.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(brought.error().message(), HasSubstr("cp-1 is not Ready"));
}

}  // namespace
}  // namespace harness::upgrade
