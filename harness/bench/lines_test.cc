#include "harness/bench/lines.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace harness::bench {
namespace {

using testing::HasSubstr;

TEST(Notes, of_earlier_trials_are_passed_over) {
  Notes notes;
  notes.feed("wrote 11 400\nwaits 12 0\nwrote 12 500\n");
  const auto note = notes.find("wrote", 12);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->us, 500);
  EXPECT_FALSE(notes.find("wrote", 12));
}

TEST(Notes, of_a_trial_whose_number_only_begins_alike_are_passed_over) {
  Notes notes;
  notes.feed("wrote 12 400\nwrote 112 400\n");
  EXPECT_FALSE(notes.find("wrote", 1));
  EXPECT_EQ(notes.passed_over(), "wrote 112 400");
}

TEST(Notes, wait_for_the_end_of_their_line) {
  Notes notes;
  notes.feed("wrote 12 5");
  EXPECT_FALSE(notes.find("wrote", 12));
  notes.feed("00\n");
  ASSERT_TRUE(notes.find("wrote", 12));
}

TEST(Notes, that_are_none_are_passed_over) {
  Notes notes;
  notes.feed("\nwrote\nwrote twelve 5\nwrote 12 5x\nwrote 12\n 12 5\nwrote 12 7\n");
  const auto note = notes.find("", 12);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->us, 7);
}

TEST(Notes, read_back_as_they_were_written) {
  const auto note = note_from("killed 7 1764020000123456");
  ASSERT_TRUE(note);
  EXPECT_EQ(text_of(*note), "killed 7 1764020000123456\n");
}

class ReadNote : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe2(ends_, O_CLOEXEC), 0); }

  void TearDown() override {
    close(ends_[0]);
    close(ends_[1]);
  }

  void put(std::string_view text) {
    ASSERT_EQ(write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  int ends_[2] = {-1, -1};
  Notes notes_;
};

TEST_F(ReadNote, says_at_the_deadline_what_came_instead) {
  put("wrote 11 400\n");
  const auto note = read_note(ends_[0], notes_, "wrote", 12, Deadline::after({}));
  ASSERT_FALSE(note);
  EXPECT_EQ(note.error().code(), ErrorCode::timed_out);
  const auto again = read_note(ends_[0], notes_, "wrote", 12, Deadline::after({}));
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message(), HasSubstr("trial 12"));
  EXPECT_THAT(again.error().message(), HasSubstr("\"wrote 11 400\""));
}

TEST_F(ReadNote, is_an_error_when_the_other_side_has_ended) {
  close(std::exchange(ends_[1], -1));
  const auto note =
      read_note(ends_[0], notes_, "wrote", 12, Deadline::after(std::chrono::seconds(5)));
  ASSERT_FALSE(note);
  EXPECT_EQ(note.error().code(), ErrorCode::remote_failed);
}

TEST(Message, of_one_trial_is_no_part_of_another_ones) {
  EXPECT_THAT(message_of("marker", "bench-1", 12),
              testing::Not(HasSubstr(message_of("marker", "bench-1", 1))));
  EXPECT_NE(message_of("marker", "bench-1", 1), message_of("marker", "bench-2", 1));
}

constexpr std::string_view kPrinted =
    R"({"__MONOTONIC_TIMESTAMP":"100","__REALTIME_TIMESTAMP":"9100","MESSAGE":"msg=\"Hookshot bench marker, trial 1 of bench-1\""}
not json
{"__MONOTONIC_TIMESTAMP":"200","__REALTIME_TIMESTAMP":"9200","MESSAGE":"msg=\"Hookshot bench lead, trial 12 of bench-1\""}
{"__MONOTONIC_TIMESTAMP":"250","__REALTIME_TIMESTAMP":"9250","MESSAGE":null}
{"__MONOTONIC_TIMESTAMP":"300","__REALTIME_TIMESTAMP":"9300","MESSAGE":"msg=\"Hookshot bench marker, trial 12 of bench-1\""}
)";

TEST(JournalStamp, is_that_of_this_trials_marker) {
  const auto stamp = journal_stamp(kPrinted, message_of("marker", "bench-1", 12));
  ASSERT_TRUE(stamp);
  EXPECT_EQ(stamp->mono_us, 300);
  EXPECT_EQ(stamp->wall_us, 9300);
}

TEST(JournalStamp, of_a_line_that_is_not_there_is_none) {
  EXPECT_FALSE(journal_stamp(kPrinted, message_of("marker", "bench-1", 2)));
  EXPECT_FALSE(journal_stamp("", message_of("marker", "bench-1", 12)));
}

}  // namespace
}  // namespace harness::bench
