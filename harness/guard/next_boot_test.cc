#include "harness/guard/next_boot.h"

#include <gmock/gmock.h>

#include "harness/guard/systemd_fixture.h"
#include "harness/guard/undo_units.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

Json record(const char* boot = "next") {
  Json out = {{"id", "h-0011aabb-1"},
              {"run", "r"},
              {"case", "c"},
              {"cluster", "lab-a"},
              {"unit", "rke2-server.service"},
              {"data_dir", "/var/lib/rancher/rke2"},
              {"fault", "kill-pod"},
              {"action", {{"do", "kill"}, {"pod", "etcd"}, {"how", "task"}}},
              {"trigger",
               {{"window", "etcd-start"},
                {"open", {{{"log", "Starting etcd for existing cluster member"}}}},
                {"close", {{{"log", "Connection to etcd is ready"}}}},
                {"offset_us", 0}}},
              {"ttl_ms", 60000},
              {"lease_ms", 15000}};
  if (boot != nullptr) {
    out["trigger"]["boot"] = boot;
  }
  return out;
}

RecordState armed(const char* boot = "next") {
  return {
      .record = arm_record_from_json(record(boot)).value(),
      .progress = {
          {"state", "ARMED"}, {"outcome", ""}, {"boot_id", "boot1"}, {"armed", to_json(now())}}};
}

TEST(NextBoot, is_a_field_of_the_record_that_goes_there_and_back) {
  const auto next = arm_record_from_json(record());
  ASSERT_TRUE(next) << next.error().message();
  EXPECT_TRUE(next->trigger.next_boot);
  EXPECT_EQ(to_json(*next)["trigger"]["boot"], "next");
  EXPECT_TRUE(arm_record_from_json(to_json(*next))->trigger.next_boot);
  const auto usual = arm_record_from_json(record(nullptr));
  EXPECT_FALSE(usual->trigger.next_boot);
  EXPECT_FALSE(to_json(*usual)["trigger"].contains("boot"));
  EXPECT_EQ(arm_record_from_json(record("every")).error().code(), ErrorCode::invalid_input);
  Json now = record();
  now["trigger"]["now"] = true;
  EXPECT_THAT(arm_record_from_json(now).error().message(), HasSubstr("boot"));
}

TEST(NextBoot, wakes_in_the_boot_after_arming_and_is_taken_back_by_the_one_after_that) {
  RecordState state = armed();
  EXPECT_EQ(at_boot(state, "boot1"), AtBoot::leave) << "it was armed in this boot";
  EXPECT_EQ(at_boot(state, "boot2"), AtBoot::wake);
  state.progress["woken_in"] = "boot2";
  EXPECT_EQ(at_boot(state, "boot2"), AtBoot::leave) << "the boot unit ran twice";
  EXPECT_EQ(at_boot(state, "boot3"), AtBoot::revert);
  for (const char* later : {"APPLYING", "APPLIED", "MISSED", "EXPIRED", "DIRTY"}) {
    state.progress["state"] = later;
    EXPECT_EQ(at_boot(state, "boot3"), AtBoot::revert) << later;
  }
}

TEST(NextBoot, leaves_no_other_record_to_a_boot) {
  EXPECT_EQ(at_boot(armed(nullptr), "boot1"), AtBoot::revert);
  EXPECT_EQ(at_boot(armed(nullptr), "boot2"), AtBoot::revert);
  RecordState dirty = armed();
  dirty.progress["state"] = "DIRTY";
  EXPECT_EQ(at_boot(dirty, "boot2"), AtBoot::revert) << "it was being taken back when it went down";
}

TEST(NextBoot, starts_its_units_without_waiting_for_the_boot_that_waits_for_it) {
  const RecordState state = armed();
  const auto trigger = trigger_command(state.record);
  EXPECT_THAT(trigger, Contains("--property=DefaultDependencies=no"));
  EXPECT_THAT(trigger, Contains("--property=Before=shutdown.target"));
  EXPECT_EQ(trigger.back(), state.record.id) << "options come before the program";
  EXPECT_EQ(trigger[trigger.size() - 3], kGuardPath);
  EXPECT_THAT(trigger_command(armed(nullptr).record),
              Not(Contains("--property=DefaultDependencies=no")));
  const auto timer = early({"systemd-run", "--on-active=5ms", std::string(kGuardPath), "expire"});
  EXPECT_THAT(timer, Contains("--timer-property=DefaultDependencies=no"));
  EXPECT_THAT(timer, Contains("--property=DefaultDependencies=no"));
  EXPECT_EQ(timer.back(), "expire");
}

TEST(NextBoot, is_before_the_services_in_the_boot_unit) {
  EXPECT_THAT(boot_unit_text(),
              HasSubstr("Before=network-pre.target rke2-server.service "
                        "rke2-agent.service\n"));
  EXPECT_THAT(boot_unit_text(), HasSubstr("ExecStart=/var/lib/hookshot/guard boot\n"));
}

TEST(NextBoot, notes_the_boot_before_anything_is_started) {
  const TestFolder folder;
  Store store(Places::below(folder.string()));
  RecordState state = armed();
  // There is no directory to save into: nothing may have been started then.
  const Status woken = wake(store, state);
  ASSERT_FALSE(woken);
  EXPECT_THAT(woken.error().message(), HasSubstr("state.json"));
  EXPECT_EQ(at_boot(state, boot_id()), AtBoot::leave);
  EXPECT_EQ(at_boot(state, "another"), AtBoot::revert);
}

TEST(NextBoot, is_in_time_until_its_ttl_is_over_and_never_before_it_was_armed) {
  const RecordState state = armed();
  const std::int64_t armed_us = json_int(json_object(state.progress, "armed"), "wall_us");
  const auto in_time = [&](std::int64_t ms) {
    return check_in_time(state, {.wall_us = armed_us + ms * 1000}).has_value();
  };
  EXPECT_TRUE(in_time(0));
  EXPECT_TRUE(in_time(60'000));
  EXPECT_FALSE(in_time(60'001));
  EXPECT_TRUE(in_time(-30'000)) << "a clock may be a little off";
  EXPECT_FALSE(in_time(-30'001));
}

// On a node that boots; `ago`: when it was armed, by the node's clock.
class Sleeping : public testing::Test, public NodeInFolder {
 protected:
  Result<RecordState> after_boot(std::chrono::milliseconds ago) {
    RecordState state = armed();
    Now stamp = now();
    stamp.wall_us -= ago.count() * 1000;
    state.progress["armed"] = to_json(stamp);
    EXPECT_TRUE(store_.create(state));
    EXPECT_EQ(run_boot(store_), 0);
    return store_.load(state.record.id);
  }
};

TEST_F(Sleeping, is_woken_by_a_boot_within_its_time) {
  const auto woken = after_boot(std::chrono::seconds(50));
  ASSERT_TRUE(woken) << woken.error().message();
  EXPECT_EQ(woken->state(), "ARMED");
  EXPECT_EQ(json_string(woken->progress, "woken_in"), boot_id());
  EXPECT_TRUE(systemd_.has("hookshot-trig-h-0011aabb-1.service"));
  EXPECT_TRUE(systemd_.has("hookshot-rv-h-0011aabb-1.timer"));
}

TEST_F(Sleeping, is_expired_by_a_boot_that_comes_after_its_time) {
  const auto over = after_boot(std::chrono::hours(72));
  ASSERT_TRUE(over) << over.error().message();
  EXPECT_EQ(over->state(), "VERIFIED");
  EXPECT_EQ(over->outcome(), "expired");
  EXPECT_THAT(json_string(over->progress, "reason"),
              HasSubstr("armed for a boot within 60 s, and this one came after 2592"));
  EXPECT_FALSE(over->progress.contains("woken_in"));
  EXPECT_THAT(tools_.asked(), Not(HasSubstr("systemd-run")));
  EXPECT_TRUE(store_.armed_ids().empty());
}

TEST_F(Sleeping, is_expired_by_a_boot_whose_clock_does_not_say_how_long_it_slept) {
  const auto over = after_boot(std::chrono::minutes(-5));
  ASSERT_TRUE(over) << over.error().message();
  EXPECT_EQ(over->outcome(), "expired");
  EXPECT_THAT(json_string(over->progress, "reason"), HasSubstr("`timedatectl` on the node"));
  EXPECT_THAT(tools_.asked(), Not(HasSubstr("systemd-run")));
}

}  // namespace
}  // namespace harness::guard
