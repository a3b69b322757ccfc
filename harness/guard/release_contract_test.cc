// What every action of the guard's table promises of its undo, held against the guard's own code:
// it may come twice, and it may come before the harm.
#include <gmock/gmock.h>

#include "harness/guard/action_form.h"
#include "harness/guard/record_seeds.h"
#include "harness/guard/release_world.h"
#include "harness/guard/systemd_fixture.h"
#include "harness/guard/verbs.h"

namespace harness::guard {

static void PrintTo(const RecordSeed& seed, std::ostream* out) {
  *out << seed.name;
}

namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class EveryAction : public testing::TestWithParam<RecordSeed> {
 protected:
  static ArmRecord record() {
    return arm_record_from_json(parse_json(GetParam().bytes).value()).value();
  }

  static bool stays() { return lasts(record().action); }
};

// What is over at once keeps nothing, so there is nothing to take back.
TEST_P(EveryAction, that_was_released_is_not_felt_any_more_and_stays_so_when_it_comes_twice) {
  ReleaseWorld world(record());
  if (!world.why_not.empty()) {
    GTEST_SKIP() << world.why_not;
  }
  const Json before = world.look();
  if (stays()) {
    auto struck = world.strike();
    ASSERT_TRUE(struck) << struck.error().message();
    EXPECT_NE(world.look(), before) << "the harm";
    ASSERT_FALSE(world.held.is_null());
    // Its trigger is dead by now.
    struck->reset();
  }
  for (const char* time : {"once", "twice"}) {
    const auto released = world.release();
    ASSERT_TRUE(released) << time << ": " << released.error().message();
    EXPECT_EQ(world.look(), before) << time << ": " << *released;
  }
}

// The guard died after it had kept the way back, or before.
TEST_P(EveryAction, that_is_released_before_it_was_struck_changes_nothing) {
  ReleaseWorld world(record());
  if (!world.why_not.empty()) {
    GTEST_SKIP() << world.why_not;
  }
  const Json before = world.look();
  ASSERT_TRUE(world.release()) << "nothing is kept yet";
  EXPECT_EQ(world.look(), before);
  if (!stays()) {
    return;
  }
  world.cut_at_note = true;
  EXPECT_FALSE(world.strike());
  ASSERT_FALSE(world.held.is_null()) << "the way back comes first";
  EXPECT_EQ(world.look(), before) << "and the harm was not done";
  for (const char* time : {"once", "twice"}) {
    const auto released = world.release();
    ASSERT_TRUE(released) << time << ": " << released.error().message();
    EXPECT_EQ(world.look(), before) << time << ": " << *released;
  }
}

// By the guard's verbs, as a controller has it undone.
TEST_P(EveryAction, that_is_armed_can_be_reverted_before_its_moment_and_twice) {
  const TestFolder folder;
  const FakeTools tools(folder.path());
  tools.answer("unshare", "");
  const FakeSystemd systemd(folder, tools);
  const Disk disk(folder);
  Store store(disk.places());
  std::filesystem::create_directories(disk.places().units);
  Json wanted = parse_json(GetParam().bytes).value();
  wanted["trigger"] = {{"go", true}, {"window", "never"}};
  const Json one = {{"cluster", "lab"}, {"id", "h-1"}};
  EXPECT_FALSE(said_by([&] { return verb_revert(store, one); }).status)
      << "there is no such record";
  const Said armed = said_by([&] { return verb_arm(store, wanted); });
  ASSERT_TRUE(armed.status) << armed.status.error().message();
  EXPECT_THAT(systemd.units(), Contains("hookshot-rv-h-1.timer"));
  EXPECT_THAT(systemd.units(), Contains("hookshot-trig-h-1.service"));
  for (const char* time : {"once", "twice"}) {
    const Said said = said_by([&] { return verb_revert(store, one); });
    ASSERT_TRUE(said.status) << time << ": " << said.status.error().message();
    EXPECT_EQ(json_string(said.lines.at(0), "state"), "VERIFIED") << time << said.lines[0];
    EXPECT_THAT(systemd.units(), Not(Contains(HasSubstr("h-1")))) << time;
    EXPECT_THAT(store.armed_ids(), IsEmpty()) << time;
  }
  EXPECT_EQ(store.load("h-1")->outcome(), "expired") << "it never did anything";
  EXPECT_FALSE(store.quarantined());
}

INSTANTIATE_TEST_SUITE_P(Actions,
                         EveryAction,
                         testing::ValuesIn(record_seeds()),
                         [](const auto& seed) {
                           std::string name = seed.param.name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace harness::guard
