#include "harness/guard/undo.h"

#include <csignal>

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "harness/guard/action_clock.h"
#include "harness/guard/action_hold.h"
#include "harness/guard/guard_fixture.h"
#include "harness/guard/heartbeat.h"
#include "harness/guard/next_boot.h"
#include "harness/guard/systemd_fixture.h"
#include "harness/guard/undo_units.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class Undo : public testing::Test, public NodeInFolder {
 protected:
  // A service that is stopped, by a record that has its timer.
  RecordState stopped_service() {
    RecordState state = armed_record("h-1");
    state.record.action = {Action::Kind::service, {}, "stop", seconds(1)};
    state.progress = {
        {"state", "APPLIED"},
        {"outcome", "applied"},
        {"boot_id", boot_id()},
        {"armed", to_json(now())},
        {"effect", to_json(now())},
        {"held", {{"kind", "stopped"}, {"unit", "rke2-server.service"}, {"boot_id", boot_id()}}}};
    EXPECT_TRUE(store_.create(state));
    systemd_.add("hookshot-rv-h-1.timer");
    EXPECT_TRUE(beat(disk_.places().run));
    return state;
  }

  std::string healed_by(const Said& said) { return json_string(said.lines.at(0), "state"); }

  const Json wanted_ = {{"cluster", "lab"}, {"id", "h-1"}};
};

TEST_F(Undo, keeps_the_timer_of_what_is_not_taken_back_until_it_is) {
  stopped_service();
  systemd_.refuse_start();
  EXPECT_EQ(run_expire(store_, "h-1"), 1);
  EXPECT_TRUE(systemd_.has("hookshot-rv-h-1.timer"));
  EXPECT_EQ(store_.load("h-1")->state(), "DIRTY");
  EXPECT_TRUE(store_.quarantined());
  EXPECT_EQ(run_expire(store_, "h-1"), 1);
  systemd_.allow_start();
  EXPECT_EQ(run_expire(store_, "h-1"), 0);
  EXPECT_FALSE(systemd_.has("hookshot-rv-h-1.timer"));
  const auto done = store_.load("h-1");
  ASSERT_TRUE(done);
  EXPECT_EQ(done->state(), "VERIFIED");
  EXPECT_EQ(done->progress["reverted_from"], "APPLIED");
  EXPECT_THAT(json_string(done->progress, "reverted_because"), HasSubstr("tried again"));
  EXPECT_TRUE(store_.quarantined()) << "that is for heal to lift";
}

TEST_F(Undo, ends_its_tries_and_the_timer_with_them) {
  stopped_service();
  systemd_.refuse_start();
  ASSERT_TRUE(store_.note_undo("h-1", {{"tries", kMostTries - 2}, {"tries_in", boot_id()}}));
  EXPECT_EQ(run_expire(store_, "h-1"), 1);
  EXPECT_TRUE(systemd_.has("hookshot-rv-h-1.timer"));
  EXPECT_EQ(run_expire(store_, "h-1"), 1);
  EXPECT_FALSE(systemd_.has("hookshot-rv-h-1.timer"));
  EXPECT_EQ(store_.load("h-1")->state(), "DIRTY");
  ASSERT_TRUE(store_.note_undo("h-1", {{"tries", kMostTries}, {"tries_in", "another boot"}}));
  EXPECT_TRUE(may_try_again(store_, "h-1")) << "a boot begins anew";
}

TEST_F(Undo, that_failed_for_the_controller_or_a_boot_is_left_to_a_timer) {
  stopped_service();
  systemd_.refuse_start();
  EXPECT_EQ(healed_by(said_by([&] { return verb_revert(store_, wanted_); })), "DIRTY");
  EXPECT_THAT(tools_.asked(), HasSubstr("systemctl start --no-block hookshot-rv-h-1.service"));
  EXPECT_THAT(tools_.asked(), Not(HasSubstr("systemd-run")));
  systemd_.remove("hookshot-rv-h-1.timer");
  EXPECT_EQ(run_boot(store_), 1);
  EXPECT_TRUE(systemd_.has("hookshot-rv-h-1.timer"));
  EXPECT_THAT(tools_.asked(), HasSubstr("--on-active=30000ms --on-unit-inactive=30s"));
}

TEST_F(Undo, of_one_record_by_two_at_once_has_one_effect_and_both_say_what_is_true) {
  stopped_service();
  systemd_.answer_slowly();
  int ends[2][2];
  for (auto& end : ends) {
    ASSERT_EQ(pipe(end), 0);
    if (fork() == 0) {
      dup2(end[1], STDOUT_FILENO);
      _exit(verb_revert(store_, wanted_) ? 0 : 1);
    }
    close(end[1]);
  }
  std::vector<std::string> summaries;
  for (auto& end : ends) {
    std::string text(65536, '\0');
    text.resize(
        static_cast<std::size_t>(std::max<ssize_t>(read(end[0], text.data(), text.size()), 0)));
    close(end[0]);
    const Json line = parse_json(text).value_or(Json());
    EXPECT_EQ(json_string(line, "state"), "VERIFIED") << text;
    summaries.push_back(json_string(line, "summary"));
    int status = -1;
    wait(&status);
    EXPECT_EQ(status, 0);
  }
  EXPECT_THAT(summaries, Contains(HasSubstr("rke2-server.service is active again")));
  EXPECT_THAT(summaries, Contains("was healed before"));
  const std::string asked = tools_.asked();
  const std::string start = "systemctl start --no-block rke2-server.service";
  EXPECT_EQ(asked.find(start), asked.rfind(start)) << asked;
}

TEST(WhyExpired, tells_a_time_that_is_over_from_a_trigger_that_is_gone) {
  RecordState state = armed_record("h-1");
  state.record.ttl = seconds(600);
  state.record.lease = seconds(15);
  state.record.action.hold = seconds(30);
  state.progress = {
      {"state", "APPLIED"}, {"armed", {{"mono_us", 0}}}, {"effect", {{"mono_us", 5'000'000}}}};
  const auto why = [&](int at_s, int silent_s) {
    return why_expired(state, {.wall_us = 0, .mono_us = at_s * 1'000'000LL}, silent_s * 1000);
  };
  EXPECT_EQ(why(10, 1), "its trigger ended before its time");
  EXPECT_EQ(why(35, 1), "its time was over");
  EXPECT_EQ(why(10, 16), "the controller's lease of 15000 ms ran out");
  state.progress["state"] = "ARMED";
  EXPECT_EQ(why(599, 1), "its trigger ended before its time");
  EXPECT_EQ(why(600, 1), "its time was over");
  state.progress["woken"] = {{"mono_us", 100'000'000}};
  EXPECT_EQ(why(600, 1), "its trigger ended before its time");
}

TEST(UndoUnits, start_the_undo_when_the_trigger_is_killed_and_again_when_that_failed) {
  const RecordState state = armed_record("h-1");
  const auto trigger = trigger_command(state.record);
  EXPECT_THAT(trigger, Contains("--property=OnFailure=hookshot-rv-h-1.service"));
  EXPECT_THAT(trigger, Contains("--property=OOMScoreAdjust=-1000"));
  const auto timer = timer_command("h-1", seconds(600));
  EXPECT_THAT(timer, Contains("--unit=hookshot-rv-h-1"));
  EXPECT_THAT(timer, Contains("--on-active=600000ms"));
  EXPECT_THAT(timer, Contains("--on-unit-inactive=30s"));
  EXPECT_THAT(timer, Contains("--property=OOMScoreAdjust=-1000"));
  EXPECT_EQ(timer[timer.size() - 3], kGuardPath);
  EXPECT_THAT(boot_unit_text(), HasSubstr("OOMScoreAdjust=-1000\n"));
}

TEST_F(Undo, of_a_fault_whose_trigger_was_killed_does_not_wait_for_its_time) {
  RecordState state = stopped_service();
  state.progress["state"] = "APPLIED";
  ASSERT_TRUE(store_.save(state));
  // As OnFailure has it.
  EXPECT_EQ(run_expire(store_, "h-1"), 0);
  const auto done = store_.load("h-1");
  EXPECT_EQ(done->state(), "VERIFIED");
  EXPECT_EQ(done->outcome(), "applied");
  EXPECT_EQ(done->progress["reverted_because"], "its trigger ended before its time");
}

class Quarantine : public Undo {};

TEST_F(Quarantine, stops_what_was_armed_before_it) {
  RecordState state = armed_record("h-1");
  state.record.action = {Action::Kind::service, {}, "stop", seconds(1)};
  state.record.trigger = {.now = true};
  state.record.lease = std::chrono::milliseconds(100);
  ASSERT_TRUE(store_.create(state));
  ASSERT_TRUE(store_.quarantine("h-0: dirty"));
  EXPECT_EQ(fire_apart(store_, "h-1"), 0);
  const auto missed = store_.load("h-1");
  ASSERT_TRUE(missed);
  EXPECT_EQ(missed->outcome(), "missed");
  EXPECT_THAT(json_string(missed->progress, "reason"), HasSubstr("in quarantine"));
  EXPECT_FALSE(missed->progress.contains("held"));
  EXPECT_THAT(tools_.asked(), Not(HasSubstr("systemctl stop rke2-server.service")));
}

TEST_F(Quarantine, lets_no_boot_wake_what_waits_for_it) {
  RecordState next = armed_record("h-2");
  next.record.trigger.next_boot = true;
  ASSERT_TRUE(store_.create(next));
  // Found dirty by the same boot, wherever the folder lists it.
  RecordState dirty = armed_record("h-1");
  dirty.progress["state"] = "APPLIED";
  dirty.progress["held"] = {{"kind", "made by another build"}, {"boot_id", boot_id()}};
  ASSERT_TRUE(store_.create(dirty));
  EXPECT_EQ(run_boot(store_), 1);
  const auto missed = store_.load("h-2");
  ASSERT_TRUE(missed);
  EXPECT_EQ(missed->state(), "VERIFIED");
  EXPECT_EQ(missed->outcome(), "missed");
  EXPECT_THAT(json_string(missed->progress, "reason"), HasSubstr("in quarantine"));
  EXPECT_THAT(tools_.asked(), Not(HasSubstr("hookshot-trig-h-2 ")));
}

TEST(Release, takes_nothing_for_taken_back_that_its_record_does_not_tell) {
  for (const Json& held : {Json{{"kind", "frozen"}, {"processes", "x"}},
                           Json{{"kind", "frozen"}, {"tasks", {1}}},
                           Json{{"kind", "filled"}, {"folder", "/var/log"}}}) {
    Json whole = held;
    whole["boot_id"] = boot_id();
    const auto released = release(whole, means_of());
    ASSERT_FALSE(released) << whole;
    EXPECT_THAT(released.error().message(), HasSubstr("damaged")) << whole;
  }
  Clocks clocks = {.wall_us = [] { return 5; },
                   .boot_us = [] { return 1; },
                   .set = [](std::int64_t) -> Status {
                     ADD_FAILURE() << "the clock was set to nobody knows what";
                     return {};
                   }};
  EXPECT_FALSE(release_clock({{"kind", "clock"}, {"boot_us", 1}}, means_of(), clocks));
}

}  // namespace
}  // namespace harness::guard
