#include "harness/upgrade/restart.h"

#include <algorithm>
#include <thread>

#include <gmock/gmock.h>

#include "harness/base/eventually.h"
#include "harness/observe/fake_server.h"

namespace harness::upgrade {
namespace {

using observe::FakeServer;
using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

Deadline almost_now() {
  return Deadline::after(std::chrono::milliseconds(50));
}

Version to() {
  return Version::parse("v1.30.12+rke2r1").value();
}

exec::CommandResult failed_job(const std::string& text) {
  exec::CommandResult result;
  result.exit_status = 1;
  result.err = text;
  return result;
}

tl::unexpected<Error> cut_off() {
  return fail(ErrorCode::unreachable, "cp-1: connection reset");
}

TEST(Restart, blocks_like_an_operator_s_and_gives_the_job_s_result) {
  FakeServer server;
  const auto outcome = restart(server.node, soon());
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_TRUE(outcome->ok);
  EXPECT_EQ(outcome->job_result, "done");
  EXPECT_EQ(outcome->exit_status, 0);
  EXPECT_FALSE(outcome->rebooted);
  EXPECT_NE(outcome->before.invocation, outcome->after.invocation);
}

TEST(Restart, gives_a_failed_job_as_an_outcome_with_systemctl_s_words) {
  FakeServer server;
  server.node.on_run("systemctl restart", [&](const exec::Command&) {
    server.active = "activating";
    server.sub = "auto-restart";
    return failed_job("Job for rke2-server.service failed because the control process exited.\n");
  });
  const auto outcome = restart(server.node, soon());
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->ok);
  EXPECT_EQ(outcome->job_result, "failed");
  EXPECT_EQ(outcome->exit_status, 1);
  EXPECT_THAT(outcome->text, HasSubstr("control process exited"));
  EXPECT_EQ(outcome->after.sub, "auto-restart");
}

TEST(Restart, tells_systemd_s_own_words_for_a_job_apart) {
  const std::pair<const char*, const char*> words[] = {
      {"Job for rke2-server.service timed out.\n", "timeout"},
      {"A dependency job for rke2-server.service failed. See 'journalctl -xe' for details.\n",
       "dependency"},
      {"Assertion failed on job for rke2-server.service.\n", "assert"},
      {"Job for rke2-server.service failed because a timeout was exceeded.\n", "failed"},
      {"Failed to restart rke2-server.service: Unit rke2-server.service is masked.\n", "failed"}};
  for (const auto& [said, result] : words) {
    FakeServer server;
    server.node.on_run("systemctl restart", failed_job(said));
    const auto outcome = restart(server.node, soon());
    ASSERT_TRUE(outcome) << outcome.error().message();
    EXPECT_FALSE(outcome->ok);
    EXPECT_EQ(outcome->job_result, result);
  }
}

TEST(Restart, that_somebody_else_canceled_is_no_fact_about_the_product) {
  FakeServer server;
  server.node.on_run("systemctl restart", [&](const exec::Command&) {
    server.active = "inactive";
    server.sub = "dead";
    return failed_job("Job for rke2-server.service canceled.\n");
  });
  const auto outcome = restart(server.node, soon());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::remote_failed);
  for (const char* part : {"restart rke2-server.service on cp-1",
                           "somebody else canceled",
                           "inactive (dead)",
                           "nothing about RKE2",
                           "run again"}) {
    EXPECT_THAT(outcome.error().message(), HasSubstr(part));
  }
}

TEST(Restart, ends_at_once_when_it_is_stopped_and_leaves_the_job_to_systemd) {
  FakeServer server;
  server.node.hang_on_run("systemctl restart");
  std::stop_source stop;
  const std::jthread stopper([&](const std::stop_token& over) {
    const auto begun = [&] {
      const auto traffic = server.node.traffic();
      return !traffic.empty() && traffic.back().text.find("systemctl restart") == 0;
    };
    while (!begun() && !paced(std::chrono::milliseconds(1), over)) {
    }
    stop.request_stop();
  });
  const auto outcome =
      restart(server.node, Deadline::after(std::chrono::hours(1)), stop.get_token());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::refused);
  EXPECT_THAT(outcome.error().message(), HasSubstr("rke2-server.service on cp-1: interrupted"));
  EXPECT_THAT(outcome.error().message(), HasSubstr("goes on there"));
}

TEST(Restart, does_not_begin_when_it_is_stopped_before) {
  FakeServer server;
  std::stop_source stop;
  stop.request_stop();
  const auto outcome = restart(server.node, soon(), stop.get_token());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::refused);
  EXPECT_TRUE(server.node.traffic().empty());
}

TEST(Restart, survives_a_reboot_and_reads_the_outcome_from_the_node) {
  FakeServer server;
  server.node.on_run("systemctl restart", [&](const exec::Command&) -> Result<exec::CommandResult> {
    server.node.lose_connection();
    server.set_boot("boot2");
    server.invocation = "33333333333333333333333333333333";
    return cut_off();
  });
  const auto outcome = restart(server.node, soon());
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_TRUE(outcome->ok);
  EXPECT_TRUE(outcome->rebooted);
  EXPECT_EQ(outcome->job_result, "lost");
  EXPECT_EQ(outcome->after.boot_id, "boot2");
}

TEST(Restart, waits_for_the_boot_when_a_shutdown_cancels_the_job_first) {
  FakeServer server;
  server.node.on_run("systemctl restart", [&](const exec::Command&) {
    server.system = "stopping";
    return failed_job("Job for rke2-server.service canceled.\n");
  });
  server.node.on_run("is-system-running", [&](const exec::Command&) {
    exec::CommandResult said;
    said.out = server.system + "\n";
    server.set_boot("boot2");
    server.invocation = "33333333333333333333333333333333";
    server.system = "running";
    return said;
  });
  const auto outcome = restart(server.node, soon());
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->ok);
  EXPECT_TRUE(outcome->rebooted);
  EXPECT_EQ(outcome->job_result, "lost");
}

TEST(Restart, does_not_give_up_when_systemd_refuses_while_the_node_goes_down) {
  FakeServer server;
  server.node.on_run("systemctl restart", [&](const exec::Command&) {
    server.node.on_run("systemctl show", failed_job("Failed to connect to system scope bus"));
    server.node.on_run("boot_id", [&](const exec::Command&) {
      exec::CommandResult said;
      said.out = server.boot + "\n";
      return said;
    });
    server.system = "stopping";
    return failed_job("Job for rke2-server.service canceled.");
  });
  const auto outcome = restart(server.node, almost_now());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(outcome.error().message(), HasSubstr("system scope bus"));
}

TEST(Restart, says_when_the_unit_stays_down_after_a_reboot) {
  FakeServer server;
  server.node.on_run("systemctl restart", [&](const exec::Command&) -> Result<exec::CommandResult> {
    server.node.lose_connection();
    server.set_boot("boot2");
    server.active = "inactive";
    server.sub = "dead";
    return cut_off();
  });
  const auto outcome = restart(server.node, soon());
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->ok);
  EXPECT_THAT(outcome->text, HasSubstr("inactive (dead)"));
}

TEST(Restart, says_when_the_command_never_arrived) {
  FakeServer server;
  server.node.on_run("systemctl restart", [&](const exec::Command&) -> Result<exec::CommandResult> {
    server.node.lose_connection();
    return cut_off();
  });
  const auto outcome = restart(server.node, soon());
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->ok);
  EXPECT_FALSE(outcome->rebooted);
  EXPECT_THAT(outcome->text, HasSubstr("did not reach systemd"));
}

TEST(Restart, is_the_lab_s_error_when_the_node_does_not_come_back) {
  FakeServer server;
  server.node.on_run("systemctl restart", [&](const exec::Command&) -> Result<exec::CommandResult> {
    server.node.lose_connection();
    server.node.set_reconnect_error(Error(ErrorCode::unreachable, "no route to host"));
    return cut_off();
  });
  const auto outcome = restart(server.node, almost_now());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(outcome.error().message(), HasSubstr("no route to host"));
  EXPECT_THAT(outcome.error().message(), HasSubstr("cp-1 stays away: see its console"));
  EXPECT_THAT(outcome.error().message(), HasSubstr("`hookshot heal`"));
}

TEST(Restart, tells_what_it_last_saw_of_a_job_that_does_not_end) {
  FakeServer server;
  server.node.on_run("systemctl restart", [&](const exec::Command&) -> Result<exec::CommandResult> {
    server.active = "activating";
    server.sub = "start";
    return fail(ErrorCode::timed_out, "no exit");
  });
  const auto outcome = restart(server.node, soon());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(outcome.error().message(), HasSubstr("activating (start)"));
}

TEST(Restart, does_nothing_to_a_node_that_cannot_be_asked_first) {
  FakeServer server;
  server.node.lose_connection();
  EXPECT_EQ(restart(server.node, soon()).error().code(), ErrorCode::unreachable);
  for (const auto& seen : server.node.traffic()) {
    EXPECT_THAT(seen.text, testing::Not(HasSubstr("systemctl restart")));
  }
}

TEST(Reboot, is_over_when_the_unit_is_active_in_another_boot) {
  FakeServer server;
  server.node.on_run("systemctl reboot", [&](const exec::Command&) -> Result<exec::CommandResult> {
    server.node.lose_connection();
    server.set_boot("boot2");
    server.invocation = "33333333333333333333333333333333";
    return cut_off();
  });
  const auto outcome = reboot(server.node, soon());
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_TRUE(outcome->ok);
  EXPECT_TRUE(outcome->rebooted);
  EXPECT_EQ(outcome->job_result, "rebooted");
  EXPECT_EQ(outcome->after.boot_id, "boot2");
}

TEST(Reboot, waits_where_the_answer_comes_before_the_node_goes_down) {
  FakeServer server;
  server.node.on_run("systemctl reboot",
                     [](const exec::Command&) { return exec::CommandResult(); });
  const auto outcome = reboot(server.node, almost_now());
  ASSERT_FALSE(outcome) << "it is still in its boot, and its unit is active";
  EXPECT_EQ(outcome.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(outcome.error().message(), HasSubstr("reboot cp-1"));
  EXPECT_THAT(outcome.error().message(), HasSubstr("still in the boot before, active"));
}

TEST(Reboot, says_when_the_unit_stays_down_there) {
  FakeServer server;
  server.node.on_run("systemctl reboot", [&](const exec::Command&) -> Result<exec::CommandResult> {
    server.set_boot("boot2");
    server.active = "failed";
    server.sub = "failed";
    return exec::CommandResult();
  });
  const auto outcome = reboot(server.node, soon());
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_FALSE(outcome->ok);
  EXPECT_THAT(outcome->text, HasSubstr("failed (failed)"));
}

TEST(Reboot, gives_systemctl_s_words_when_it_refuses) {
  FakeServer server;
  server.node.on_run("systemctl reboot", failed_job("Access denied\n"));
  const auto outcome = reboot(server.node, soon());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(outcome.error().message(),
              HasSubstr("reboot cp-1: systemctl reboot: exit status 1: Access denied"));
}

TEST(WaitReady, is_over_when_unit_supervisor_apiserver_and_node_say_so) {
  FakeServer server;
  const observe::Access access("lab", {&server.node});
  EXPECT_TRUE(wait_ready(access, server.node, to(), soon()));
}

TEST(WaitReady, names_what_keeps_the_node_from_being_ready) {
  FakeServer server;
  const observe::Access access("lab", {&server.node});
  const auto why = [&] {
    const Status ready = wait_ready(access, server.node, to(), almost_now());
    EXPECT_FALSE(ready);
    EXPECT_EQ(ready.error().code(), ErrorCode::timed_out);
    return ready.error().message();
  };
  server.kubelet = "v1.30.11+rke2r1";
  EXPECT_THAT(why(), HasSubstr("kubelet is v1.30.11+rke2r1, not v1.30.12+rke2r1"));
  server.ready = false;
  EXPECT_THAT(why(), HasSubstr("cp-1 is not Ready"));
  server.readyz = 500;
  EXPECT_THAT(why(), HasSubstr("apiserver: HTTP 500"));
  server.supervisor = 503;
  EXPECT_THAT(why(), HasSubstr("supervisor: HTTP 503 runtime core not ready"));
  server.active = "activating";
  EXPECT_THAT(why(), HasSubstr("rke2-server.service is activating"));
  server.node.lose_connection();
  server.node.set_reconnect_error(Error(ErrorCode::unreachable, "no route to host"));
  EXPECT_THAT(why(), HasSubstr("no route to host"));
}

TEST(WaitReady, asks_a_server_about_an_agent) {
  FakeServer server;
  FakeServer worker("w-1", "192.0.2.21", false);
  const observe::Access access("lab", {&server.node, &worker.node});
  const Status ready = wait_ready(access, worker.node, to(), almost_now());
  ASSERT_FALSE(ready);
  EXPECT_THAT(ready.error().message(), HasSubstr("does not know w-1"));
}

}  // namespace
}  // namespace harness::upgrade
