#include "harness/fault/injection.h"

#include <atomic>

#include <gmock/gmock.h>

#include "harness/observe/fake_server.h"

namespace harness::fault {
namespace {

using observe::FakeServer;
using testing::ElementsAre;
using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

Fault kill_etcd() {
  Fault fault;
  fault.name = "kill-pod";
  fault.params = {{"how", "task"}, {"pod", "etcd"}};
  fault.action = {{"do", "kill"}, {"pod", "etcd"}, {"how", "task"}};
  return fault;
}

ArmRequest request() {
  ArmRequest made;
  made.id = "t1-a";
  made.run = "run-1";
  made.case_name = "kill-pod etcd";
  made.cluster = "lab";
  return made;
}

event::WindowDef window() {
  event::WindowDef made;
  made.name = "start-up-hooks";
  made.open = {event::marker_from_json({{"log", "Kube API server is now running"}}).value()};
  made.close = {event::marker_from_json({{"log", "rke2 is up and running"}}).value()};
  return made;
}

Json record(const std::string& state, const std::string& outcome = {}) {
  Json made{{"type", "record"}, {"id", "t1-a"}, {"state", state}};
  if (!outcome.empty()) {
    made["outcome"] = outcome;
  }
  return made;
}

Json proved(Json made) {
  made["evidence"] = {{"summary", "container 3f2a gone, exit 137"}};
  return made;
}

// One answer after the other; the last one stays.
void status_is(FakeServer& server, const std::vector<Json>& answers) {
  auto next = std::make_shared<std::size_t>(0);
  server.node.on_guard("status", [answers, next](const Json&) {
    const std::size_t at = std::min((*next)++, answers.size() - 1);
    return std::vector<Json>{answers[at]};
  });
}

TEST(Allowed, needs_the_cluster_s_own_marker) {
  FakeServer server;
  EXPECT_TRUE(check_allowed(server.node, "lab", soon()));
  const Status other = check_allowed(server.node, "lab-b", soon());
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), ErrorCode::refused);
  EXPECT_THAT(other.error().message(), HasSubstr("marked for cluster lab, not for lab-b"));
  server.node.on_guard("facts", {{{"type", "facts"}, {"boot_id", "b"}, {"allow", ""}}});
  EXPECT_THAT(check_allowed(server.node, "lab", soon()).error().message(),
              HasSubstr("not marked as expendable; `hookshot allow`"));
}

TEST(Allowed, refuses_a_node_in_quarantine) {
  FakeServer server;
  server.node.on_guard(
      "facts", {{{"type", "facts"}, {"boot_id", "b"}, {"allow", "lab"}, {"quarantine", true}}});
  const Status allowed = check_allowed(server.node, "lab", soon());
  ASSERT_FALSE(allowed);
  EXPECT_EQ(allowed.error().code(), ErrorCode::refused);
  EXPECT_THAT(allowed.error().message(), HasSubstr("quarantine"));
}

TEST(Arm, hands_the_guard_the_whole_record_and_waits_for_its_confirmation) {
  FakeServer server;
  Json sent;
  server.node.on_guard("arm", [&](const Json& record) {
    sent = record;
    return std::vector<Json>{{{"type", "armed"}, {"id", "t1-a"}, {"state", "ARMED"}}};
  });
  ArmRequest made = request();
  made.trigger.window = window();
  made.trigger.offset = Microseconds(1500);
  ASSERT_TRUE(arm(server.node, kill_etcd(), made, soon()));
  EXPECT_EQ(sent["action"]["do"], "kill");
  EXPECT_EQ(sent["trigger"]["window"], "start-up-hooks");
  EXPECT_EQ(sent["trigger"]["offset_us"], 1500);
  EXPECT_EQ(sent["trigger"]["open"][0]["log"], "Kube API server is now running");
  EXPECT_EQ(sent["unit"], "rke2-server.service");
  EXPECT_EQ(sent["lease_ms"], 15000);
  EXPECT_EQ(sent["params"]["pod"], "etcd");
}

TEST(Arm, sends_nothing_that_the_protocol_does_not_take) {
  FakeServer server;
  for (const char* id : {"", "A", "x;reboot", "../x", "a b", "$(x)"}) {
    ArmRequest made = request();
    made.id = id;
    made.trigger.window = window();
    const Status armed = arm(server.node, kill_etcd(), made, soon());
    ASSERT_FALSE(armed);
    EXPECT_EQ(armed.error().code(), ErrorCode::invalid_input) << id;
  }
  Fault hostile = kill_etcd();
  hostile.action["pod"] = "etcd; reboot";
  EXPECT_EQ(arm(server.node, hostile, request(), soon()).error().code(), ErrorCode::invalid_input);
  EXPECT_TRUE(server.node.traffic().empty());
}

TEST(Arm, gives_the_other_nodes_addresses_to_the_faults_that_need_them_and_to_no_other) {
  FakeServer server;
  Json sent;
  server.node.on_guard("arm", [&](const Json& record) {
    sent = record;
    return std::vector<Json>{{{"type", "armed"}, {"id", "t1-a"}, {"state", "ARMED"}}};
  });
  ArmRequest made = request();
  made.trigger.window = window();
  made.addresses = {"192.0.2.12"};
  ASSERT_TRUE(arm(server.node, kill_etcd(), made, soon()));
  EXPECT_FALSE(sent["action"].contains("addresses"));
  Fault partition;
  partition.name = "partition";
  partition.action = {{"do", "partition"},
                      {"what", "apiserver"},
                      {"how", "drop"},
                      {"direction", "in"},
                      {"hold_ms", 5000}};
  partition.needs.peers = Needs::Peers::nodes;
  ASSERT_TRUE(arm(server.node, partition, made, soon()));
  EXPECT_EQ(sent["action"]["addresses"], Json::array({"192.0.2.12"}));
  sent = Json();
  made.addresses = {"192.0.2.12; flush ruleset"};
  EXPECT_EQ(arm(server.node, partition, made, soon()).error().code(), ErrorCode::invalid_input);
  made.addresses = {};
  const Status alone = arm(server.node, partition, made, soon());
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code(), ErrorCode::refused);
  EXPECT_THAT(alone.error().message(), HasSubstr("cluster lab has no other node"));
  EXPECT_TRUE(sent.is_null());
}

TEST(Arm, keeps_the_guard_s_refusal) {
  FakeServer server;
  server.node.on_guard("arm", [](const Json&) -> Result<std::vector<Json>> {
    return fail(ErrorCode::refused, "t0-a is armed already");
  });
  const Status armed = arm(server.node, kill_etcd(), request(), soon());
  ASSERT_FALSE(armed);
  EXPECT_EQ(armed.error().code(), ErrorCode::refused);
  EXPECT_THAT(armed.error().message(), HasSubstr("arm kill-pod how=task pod=etcd on cp-1"));
}

// As after a connection that was lost before the guard's answer came.
void loses_the_answer(FakeServer& server) {
  server.node.on_guard("arm", [&server](const Json&) -> Result<std::vector<Json>> {
    server.node.lose_connection();
    return fail(ErrorCode::unreachable, "no answer to keepalives");
  });
}

TEST(Arm, lets_a_reboot_take_the_connection_before_the_answer) {
  FakeServer server;
  Fault fault;
  fault.name = "reboot";
  fault.params = {{"how", "hard"}};
  fault.action = {{"do", "reboot"}, {"how", "hard"}};
  fault.needs.reboots = true;
  loses_the_answer(server);
  EXPECT_TRUE(arm(server.node, fault, request(), soon()));
  status_is(server, {proved(record("APPLIED", "applied"))});
  const auto outcome = await(server.node, "lab", "t1-a", {}, soon());
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->outcome, "applied");

  ArmRequest aimed = request();
  aimed.trigger.window = window();
  loses_the_answer(server);
  EXPECT_EQ(arm(server.node, fault, aimed, soon()).error().code(), ErrorCode::unreachable);
}

TEST(Arm, keeps_a_lost_connection_of_any_other_fault) {
  FakeServer server;
  loses_the_answer(server);
  const Status armed = arm(server.node, kill_etcd(), request(), soon());
  ASSERT_FALSE(armed);
  EXPECT_EQ(armed.error().code(), ErrorCode::unreachable);
}

TEST(Arm, does_not_take_silence_for_consent) {
  FakeServer server;
  server.node.on_guard("arm", std::vector<Json>{});
  EXPECT_EQ(arm(server.node, kill_etcd(), request(), soon()).error().code(),
            ErrorCode::remote_failed);
}

TEST(Await, ends_with_the_evidence_of_an_applied_fault) {
  FakeServer server;
  status_is(server, {record("ARMED"), proved(record("APPLIED"))});
  const auto outcome = await(server.node, "lab", "t1-a", {}, soon());
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->outcome, "applied");
  EXPECT_EQ(outcome->evidence, "container 3f2a gone, exit 137");
}

TEST(Await, puts_the_record_into_the_sink_at_the_time_of_its_effect) {
  FakeServer server;
  Json applied = proved(record("VERIFIED", "applied"));
  applied["begun"] = {{"wall_us", 100}, {"mono_us", 10}};
  applied["effect"] = {{"wall_us", 200}, {"mono_us", 20}};
  status_is(server, {applied});
  Json event;
  ASSERT_TRUE(await(
      server.node, "lab", "t1-a", [&](Json seen) { event = std::move(seen); }, soon()));
  EXPECT_EQ(event["type"], "fault");
  EXPECT_EQ(event["node"], "cp-1");
  EXPECT_EQ(event["wall_us"], 200);
  EXPECT_EQ(event["evidence"]["summary"], "container 3f2a gone, exit 137");
}

TEST(Await, gives_misses_with_their_reason) {
  FakeServer server;
  Json missed = record("VERIFIED", "missed");
  missed["reason"] = "the window closed before the offset";
  status_is(server, {missed});
  const auto outcome = await(server.node, "lab", "t1-a", {}, soon());
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->outcome, "missed");
  EXPECT_THAT(outcome->reason, HasSubstr("closed before"));
}

TEST(Await, calls_a_fault_without_evidence_a_defect_of_the_harness) {
  FakeServer server;
  status_is(server, {record("APPLIED")});
  const auto outcome = await(server.node, "lab", "t1-a", {}, soon());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::internal);
  EXPECT_THAT(outcome.error().message(), HasSubstr("without evidence"));
}

TEST(Await, connects_again_after_the_node_has_rebooted) {
  FakeServer server;
  server.node.lose_connection();
  status_is(server, {proved(record("VERIFIED", "applied"))});
  const auto outcome = await(server.node, "lab", "t1-a", {}, soon());
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->outcome, "applied");
}

// An emulated node took six seconds for the login and the look after it: each attempt was given up
// after five, for ever.
TEST(Await, gives_a_slow_node_the_time_that_its_login_takes) {
  FakeServer server;
  server.node.lose_connection();
  server.node.set_reconnect_takes(std::chrono::seconds(20));
  status_is(server, {proved(record("VERIFIED", "applied"))});
  const auto outcome =
      await(server.node, "lab", "t1-a", {}, Deadline::after(std::chrono::minutes(1)));
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->outcome, "applied");
}

TEST(Await, tells_the_last_state_when_time_is_up) {
  FakeServer server;
  status_is(server, {record("ARMED")});
  const auto outcome =
      await(server.node, "lab", "t1-a", {}, Deadline::after(std::chrono::milliseconds(50)));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(outcome.error().message(), HasSubstr("t1-a ARMED"));
}

TEST(AwaitWindow, calls_a_window_that_never_opened_a_miss) {
  FakeServer server;
  status_is(server, {record("ARMED")});
  std::vector<Json> events;
  const auto outcome = await_window(
      server.node,
      "lab",
      "t1-a",
      [&](Json event) { events.push_back(std::move(event)); },
      Deadline::after(std::chrono::milliseconds(50)));
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->outcome, "missed");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["type"], "fault");
  EXPECT_EQ(events[0]["outcome"], "missed");
  EXPECT_EQ(events[0]["reason"], "the window never opened");
}

TEST(AwaitWindow, stays_an_error_when_the_record_is_on_its_way_or_cannot_be_read) {
  FakeServer server;
  status_is(server, {record("FIRING")});
  const Deadline brief = Deadline::after(std::chrono::milliseconds(50));
  const auto firing = await_window(server.node, "lab", "t1-a", {}, brief);
  ASSERT_FALSE(firing);
  EXPECT_EQ(firing.error().code(), ErrorCode::timed_out);
  server.node.lose_connection();
  server.node.set_reconnect_error(Error(ErrorCode::unreachable, "cp-1: no route"));
  const auto lost =
      await_window(server.node, "lab", "t1-a", {}, Deadline::after(std::chrono::milliseconds(50)));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code(), ErrorCode::timed_out);
}

TEST(Await, misses_a_record_that_is_not_there) {
  FakeServer server;
  server.node.on_guard("status", std::vector<Json>{});
  const auto outcome = await(server.node, "lab", "t1-a", {}, soon());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(outcome.error().message(), HasSubstr("has no record t1-a"));
}

TEST(Await, stops_when_asked_to) {
  FakeServer server;
  status_is(server, {record("ARMED")});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(await(server.node, "lab", "t1-a", {}, soon(), stop.get_token()).error().code(),
            ErrorCode::refused);
}

TEST(HeartbeatThread, renews_every_record_until_it_is_stopped) {
  FakeServer server;
  std::atomic<int> beats{0};
  std::atomic<bool> enough{false};
  server.node.on_guard("heartbeat", [&](const Json& record) {
    EXPECT_EQ(record["id"], "*");
    EXPECT_EQ(record["cluster"], "lab");
    if (++beats >= 3) {
      enough = true;
      enough.notify_all();
    }
    return std::vector<Json>{};
  });
  Heartbeat heartbeat({&server.node}, "lab", std::chrono::milliseconds(1));
  enough.wait(false);
  heartbeat.stop();
  EXPECT_GE(beats, 3);
}

TEST(Heal, undoes_what_is_armed_on_every_node_and_tells_what_it_found) {
  FakeServer one("cp-1", "192.0.2.11");
  FakeServer two("cp-2", "192.0.2.12");
  one.node.on_guard("heal", [](const Json& asked) {
    EXPECT_EQ(asked["run"], "*");
    return std::vector<Json>{{{"type", "healed"},
                              {"id", "t1-a"},
                              {"state", "VERIFIED"},
                              {"summary", "disarmed before it fired"}}};
  });
  two.node.on_guard("heal", std::vector<Json>{});
  std::vector<Json> events;
  const HealReport report = heal(
      {&one.node, &two.node},
      "lab",
      "",
      [&](Json event) { events.push_back(std::move(event)); },
      soon());
  EXPECT_TRUE(report.clean());
  ASSERT_EQ(report.records.size(), 1u);
  EXPECT_EQ(report.records[0].node, "cp-1");
  EXPECT_EQ(report.records[0].summary, "disarmed before it fired");
  EXPECT_EQ(events.size(), 4u);
  EXPECT_EQ(events[1]["ok"], true);
}

TEST(Heal, goes_on_past_a_node_that_cannot_be_healed_and_names_it) {
  FakeServer one("cp-1", "192.0.2.11");
  FakeServer two("cp-2", "192.0.2.12");
  one.node.on_guard("heal",
                    {{{"type", "healed"},
                      {"id", "t1-a"},
                      {"state", "DIRTY"},
                      {"summary", "the timer is still there"}}});
  two.node.on_guard("heal", std::vector<Json>{});
  const HealReport report = heal({&one.node, &two.node}, "lab", "run-1", {}, soon());
  EXPECT_FALSE(report.clean());
  EXPECT_THAT(report.dirty, ElementsAre(HasSubstr("cp-1: t1-a is DIRTY: the timer")));
}

TEST(Heal, asks_again_when_the_connection_is_lost_in_the_middle) {
  FakeServer server;
  auto asked = std::make_shared<int>(0);
  server.node.on_guard("heal", [&server, asked](const Json&) -> Result<std::vector<Json>> {
    if (++*asked == 1) {
      server.node.lose_connection();
      return fail(ErrorCode::unreachable, "cp-1: connection reset");
    }
    return std::vector<Json>{};
  });
  EXPECT_TRUE(heal({&server.node}, "lab", "", {}, soon()).clean());
  EXPECT_EQ(*asked, 2);
}

TEST(Heal, connects_again_and_says_when_that_is_impossible) {
  FakeServer back("cp-1", "192.0.2.11");
  FakeServer away("cp-2", "192.0.2.12");
  back.node.lose_connection();
  back.node.on_guard("heal", std::vector<Json>{});
  away.node.lose_connection();
  away.node.set_reconnect_error(Error(ErrorCode::unreachable, "no route to host"));
  const HealReport report = heal(
      {&back.node, &away.node}, "lab", "", {}, Deadline::after(std::chrono::milliseconds(100)));
  ASSERT_EQ(report.dirty.size(), 1u);
  EXPECT_THAT(report.dirty[0], HasSubstr("cp-2: "));
  EXPECT_THAT(report.dirty[0], HasSubstr("no route to host"));
  EXPECT_THAT(report.dirty[0], HasSubstr("its own timers"));
}

}  // namespace
}  // namespace harness::fault
