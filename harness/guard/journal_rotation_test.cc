#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/guard/guard_fixture.h"
#include "harness/guard/journal_fixture.h"
#include "harness/guard/journal_reader.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using Layout = JournalFixture::Layout;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kNow = INT64_MAX;
constexpr int kUntilRotationIsSeen = 64;

std::string id_of(char c) {
  std::string out;
  for (int i = 0; i < 16; ++i) {
    out += fmt::format("{:02x}", static_cast<int>(c));
    out += i == 3 || i == 5 || i == 7 || i == 9 ? "-" : "";
  }
  return out;
}

class Rotation : public testing::TestWithParam<Layout> {
 protected:
  void SetUp() override {
    fs::create_directories(root_ / "var");
    fs::create_directories(root_ / "run");
  }

  std::string in_var(const std::string& name = "system.journal") const {
    return (root_ / "var" / name).string();
  }

  std::string in_run() const { return (root_ / "run" / "system.journal").string(); }

  // The boot that runs is 'b' unless the test says otherwise.
  JournalReader reader() const {
    return JournalReader({.unit = "rke2-server.service",
                          .directories = {(root_ / "var").string(), (root_ / "run").string()},
                          .boot_id = id_of('b')});
  }

  static std::vector<std::string> poll(JournalReader& reader, int times = kUntilRotationIsSeen) {
    std::vector<std::string> out;
    for (int i = 0; i < times; ++i) {
      reader.poll([&](const Json& fact) {
        out.push_back(json_string(fact, "type") == "journal-problem"
                          ? "problem: " + json_string(fact, "line")
                          : json_string(fact, "line"));
      });
    }
    return out;
  }

  JournalFixture file(char row = 'r', std::uint64_t next = 1, char boot = 'b') const {
    JournalFixture made(GetParam());
    made.row(row, next).boot(boot);
    return made;
  }

  TestFolder root_;
};

TEST_P(Rotation, goes_on_in_a_boot_whose_clock_is_behind) {
  JournalFixture live = file('r', 1, 'a');
  live.add(1'000, 10, line("one"));
  live.add(2'000, 20, line("two"));
  live.boot('b').add(500, 5, line("after the boot"));
  live.write(in_var());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(2'000, JournalPosition{id_of('a'), id_of('r'), 2, 20, {}}));
  EXPECT_THAT(poll(reader, 1), ElementsAre("after the boot"));
}

TEST_P(Rotation, goes_on_after_an_unclean_end_which_began_a_new_row) {
  JournalFixture left = file('r', 1, 'a');
  left.add(1'000, 10, line("one"));
  left.add(2'000, 20, line("two"));
  left.add(1'500, 30, line("written after the clock was set back"));
  left.write(in_var("system@0001-0002.journal~"));
  JournalFixture live = file('s', 1, 'b');
  live.add(500, 5, line("after the crash"));
  live.write(in_var());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(2'000, JournalPosition{id_of('a'), id_of('r'), 2, 20, {}}));
  EXPECT_THAT(poll(reader, 1),
              ElementsAre("written after the clock was set back", "after the crash"));
}

TEST_P(Rotation, takes_a_boot_without_a_line_yet_from_the_wall_time_and_the_next_boot_whole) {
  JournalFixture live = file('r', 1, 'a');
  live.add(1'000, 10, line("too old"));
  live.add(2'000, 20, line("asked for"));
  live.boot('b').add(500, 5, line("after the boot"));
  live.write(in_var());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(1'500, position_from_json({{"boot_id", id_of('a')}})));
  EXPECT_THAT(poll(reader, 1), ElementsAre("asked for", "after the boot"));
}

TEST_P(Rotation, does_not_replay_what_a_flush_to_var_copies) {
  JournalFixture run = file('r');
  run.add(1'000, 10, line("one"));
  run.write(in_run());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(kNow));
  run.add(1'001, 11, line("two"));
  run.grow(in_run());
  EXPECT_THAT(poll(reader, 1), ElementsAre("two"));
  JournalFixture var = file('v', 100, 'a');
  var.add(9'000, 90, line("of an earlier boot"));
  var.boot('b').add(1'000, 10, line("one"));
  var.add(1'001, 11, line("two"));
  var.add(1'001, 11, line("in the same microsecond"));
  var.add(1'002, 12, line("three"));
  var.write(in_var());
  fs::remove(in_run());
  EXPECT_THAT(poll(reader), ElementsAre("in the same microsecond", "three"));
}

TEST_P(Rotation, reads_the_file_between_two_rotations) {
  JournalFixture first = file();
  first.add(1'000, 10, line("one"));
  first.write(in_var());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(kNow));
  fs::rename(in_var(), in_var("system@r-1.journal"));
  JournalFixture middle = file('r', 2);
  middle.add(2'000, 20, line("two"));
  middle.write(in_var("system@r-2.journal"));
  JournalFixture last = file('r', 3);
  last.add(3'000, 30, line("three"));
  last.write(in_var());
  EXPECT_THAT(poll(reader), ElementsAre("two", "three"));
}

TEST_P(Rotation, says_how_many_entries_were_vacuumed_before_they_were_read) {
  JournalFixture first = file();
  first.add(1'000, 10, line("one"));
  first.write(in_var());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(kNow));
  fs::remove(in_var());
  JournalFixture last = file('r', 5);
  last.add(3'000, 30, line("five"));
  last.write(in_var());
  EXPECT_THAT(poll(reader), ElementsAre(HasSubstr("problem: 3 journal entries (2 to 4)"), "five"));
}

TEST_P(Rotation, finds_no_hole_where_users_wrote) {
  JournalFixture first = file();
  first.add(1'000, 10, line("one"));
  first.write(in_var());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(kNow));
  fs::rename(in_var(), in_var("system@r-1.journal"));
  JournalFixture user = file('r', 2);
  user.add(2'000, 20, line("two, of a user"));
  user.add(2'001, 21, line("three, of a user"));
  user.write(in_var("user-1000.journal"));
  JournalFixture last = file('r', 4);
  last.add(3'000, 30, line("four"));
  last.write(in_var());
  EXPECT_THAT(poll(reader), ElementsAre("four"));
}

TEST_P(Rotation, reads_a_live_file_to_its_end_after_it_was_unlinked) {
  JournalFixture first = file();
  first.add(1'000, 10, line("one"));
  first.write(in_var());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(kNow));
  first.add(2'000, 20, line("two"));
  std::fstream still_open(in_var(), std::ios::in | std::ios::out | std::ios::binary);
  fs::remove(in_var());
  still_open.write(first.bytes().data(), static_cast<std::streamsize>(first.bytes().size()));
  still_open.close();
  JournalFixture fresh = file('r', 3);
  fresh.add(3'000, 30, line("three"));
  fresh.write(in_var());
  EXPECT_THAT(poll(reader), ElementsAre("two", "three"));
}

TEST_P(Rotation, waits_for_the_rest_of_a_torn_entry) {
  JournalFixture live = file();
  live.write(in_var());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(kNow));
  live.add(1'000, 10, line("whole"));
  JournalFixture torn = live;
  torn.bytes().replace(live.last_entry(), 64, 64, '\0');
  torn.grow(in_var());
  EXPECT_THAT(poll(reader), IsEmpty());
  live.grow(in_var());
  EXPECT_THAT(poll(reader), ElementsAre("whole"));
}

TEST_P(Rotation, says_so_and_goes_on_when_a_torn_entry_stays_torn) {
  JournalFixture live = file();
  live.write(in_var());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(kNow));
  live.add(1'000, 10, line("lost"));
  live.bytes().replace(live.last_entry(), 64, 64, '\0');
  live.add(1'001, 11, line("next"));
  live.grow(in_var());
  EXPECT_THAT(poll(reader, 600),
              ElementsAre(AllOf(HasSubstr("problem: "), HasSubstr(in_var())), "next"));
}

TEST_P(Rotation, takes_the_file_of_this_boot_for_the_live_one_whatever_is_in_var) {
  JournalFixture stale = file('v', 100, 'a');
  stale.add(9'000'000, 90, line("before journald kept to /run"));
  stale.write(in_var());
  JournalFixture run = file('r');
  run.add(1'000, 10, line("one"));
  run.write(in_run());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(kNow));
  run.add(1'001, 11, line("two"));
  run.grow(in_run());
  EXPECT_THAT(poll(reader), ElementsAre("two"));
}

INSTANTIATE_TEST_SUITE_P(Layouts, Rotation, testing::Values(Layout::regular, Layout::compact));

}  // namespace
}  // namespace harness::guard
