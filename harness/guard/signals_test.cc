#include "harness/guard/signals.h"

#include <gmock/gmock.h>

#include "harness/guard/action.h"
#include "harness/guard/guard_fixture.h"
#include "harness/guard/undo.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

using testing::HasSubstr;

class Signals : public testing::Test {
 protected:
  void SetUp() override {
    state_ = armed_record("h-1");
    state_.record.trigger = {.go = true, .window = "start-up-hooks"};
    ASSERT_TRUE(make_dir(disk_.places().run));
  }

  Said asked(Status (*verb)(const Store&, const Json&), const char* id = "h-1") const {
    return said_by([&] { return verb(store_, {{"cluster", "lab"}, {"id", id}}); });
  }

  const std::string& run() const { return disk_.places().run; }

  TestFolder folder_;
  FakeTools tools_{folder_.path()};
  Disk disk_{folder_};
  Store store_{disk_.places()};
  RecordState state_;
};

TEST_F(Signals, give_the_word_to_a_record_that_waits_for_it) {
  ASSERT_TRUE(store_.create(state_));
  EXPECT_FALSE(raised(run(), Signal::go, "h-1"));
  const Said said = asked(verb_go);
  ASSERT_TRUE(said.status) << said.status.error().message();
  EXPECT_EQ(said.lines.at(0)["type"], "go");
  EXPECT_GT(said.lines.at(0)["mono_us"], 0);
  EXPECT_TRUE(raised(run(), Signal::go, "h-1"));
  EXPECT_FALSE(raised(run(), Signal::go, "h-2"));
}

TEST_F(Signals, give_no_word_to_what_waits_for_none_or_is_not_armed_any_more) {
  EXPECT_FALSE(asked(verb_go).status) << "there is no such record";
  EXPECT_EQ(asked(verb_go, "../go").status.error().code(), ErrorCode::invalid_input);
  state_.progress["state"] = "APPLIED";
  ASSERT_TRUE(store_.create(state_));
  EXPECT_EQ(asked(verb_go).status.error().code(), ErrorCode::refused);
  RecordState other = armed_record("h-2");
  ASSERT_TRUE(store_.create(other));
  EXPECT_THAT(asked(verb_go, "h-2").status.error().message(), HasSubstr("waits for no word"));
  EXPECT_FALSE(raised(run(), Signal::go, "h-1"));
  EXPECT_FALSE(raised(run(), Signal::go, "h-2"));
}

TEST_F(Signals, tell_a_moment_that_came_before_anybody_asked) {
  ASSERT_TRUE(raise(run(), Signal::moment, "h-1"));
  const Said said = asked(run_moment);
  ASSERT_TRUE(said.status) << said.status.error().message();
  ASSERT_EQ(said.lines.size(), 2U);
  EXPECT_EQ(said.lines[0]["type"], "waiting");
  EXPECT_EQ(said.lines[1]["type"], "moment");
  EXPECT_GT(said.lines[1]["wall_us"], 0);
}

TEST_F(Signals, are_gone_with_the_record) {
  ASSERT_TRUE(store_.create(state_));
  ASSERT_TRUE(raise(run(), Signal::go, "h-1"));
  ASSERT_TRUE(raise(run(), Signal::moment, "h-1"));
  EXPECT_EQ(revert(store_, state_, "asked").state, "VERIFIED");
  EXPECT_FALSE(raised(run(), Signal::go, "h-1"));
  EXPECT_FALSE(raised(run(), Signal::moment, "h-1"));
}

TEST(GoTrigger, needs_no_markers_and_only_tells_its_window) {
  Json record = to_json(armed_record("h-1").record);
  record["trigger"] = {{"go", true}, {"window", "start-up-hooks"}};
  const auto read = arm_record_from_json(record);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_TRUE(read->trigger.go);
  EXPECT_EQ(to_json(*read)["trigger"]["go"], true);
  record["trigger"]["boot"] = "next";
  EXPECT_THAT(arm_record_from_json(record).error().message(), HasSubstr("a window to wait for"));
}

TEST(PowerCut, is_disproved_by_a_shutdown_in_order) {
  RecordState state = armed_record("h-1");
  state.record.action = {.kind = Action::Kind::reboot, .how = "power"};
  state.progress = {{"state", "APPLYING"},
                    {"evidence", {{"how", "power"}, {"boot_id_before", "old"}, {"means", "m"}}}};
  const auto ends = [](const char* text) {
    return [text](const std::string&) -> Result<std::string> { return text; };
  };
  RecordState cut = state;
  ASSERT_TRUE(complete_reboot(cut, ends("level=info msg=x\n")));
  EXPECT_EQ(cut.outcome(), "applied");
  EXPECT_FALSE(cut.progress["evidence"].contains("disproof"));
  ASSERT_TRUE(complete_reboot(state, ends("Reached target shutdown.target\n")));
  EXPECT_THAT(json_string(state.progress["evidence"], "disproof"),
              HasSubstr("its power was not cut"));
}

TEST(PowerCut, is_no_reboot_under_way_for_who_heals) {
  RecordState state = armed_record("h-1");
  state.record.action = {.kind = Action::Kind::reboot, .how = "power"};
  state.progress = {{"state", "APPLYING"},
                    {"begun", to_json(now())},
                    {"evidence", {{"boot_id_before", boot_id()}}}};
  EXPECT_FALSE(reboot_is_under_way(state));
}

}  // namespace
}  // namespace harness::guard
