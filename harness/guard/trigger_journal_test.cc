// A trigger behind the reader of journal files as journald leaves them on its bad days.
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/guard/armed_fixture.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using Fields = std::vector<JournalFixture::Field>;
using Layout = JournalFixture::Layout;
using Verdict = TriggerLogic::Verdict;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_P(Armed, takes_the_first_of_two_opening_markers_in_one_millisecond) {
  JournalFixture file(GetParam());
  file.write(in_var());
  arm(500);
  file.add(1'000'000, 70'100, said(logrus("Pod for etcd not synced (why), retrying")));
  file.add(1'000'000, 70'100, said(logrus("Pod for etcd is synced")));
  file.add(1'000'700, 70'800, said(logrus("Pod for etcd is synced")));
  file.grow(in_var());
  EXPECT_EQ(poll(), Verdict::armed);
  EXPECT_EQ(logic_->opened_mono_us(), 70'100);
  EXPECT_EQ(logic_->fire_at_mono_us(), 70'600) << "what opens again does not put it off";
}

TEST_P(Armed, misses_a_window_that_opens_and_closes_in_one_millisecond) {
  JournalFixture file(GetParam());
  file.write(in_var());
  arm();
  file.add(1'000'000, 70'100, said(logrus("Pod for etcd is synced")));
  file.add(1'000'000, 70'100, said(logrus("Pod for kube-apiserver is synced")));
  file.grow(in_var());
  EXPECT_EQ(poll(), Verdict::missed) << "both are read before anything can be done between them";
  EXPECT_THAT(logic_->reason(), HasSubstr("closed after 0 us"));
  EXPECT_TRUE(logic_->opened());
}

TEST_P(Armed, misses_when_the_service_restarts_inside_the_window) {
  JournalFixture file(GetParam());
  file.write(in_var());
  arm(60'000);
  file.add(1'000, 10, said(logrus("Pod for etcd is synced")));
  file.add(1'100,
           110,
           {{"_SYSTEMD_UNIT=init.scope"},
            {"_PID=1"},
            {"UNIT=rke2-server.service"},
            {"INVOCATION_ID=newer"},
            {"MESSAGE=Starting rke2-server.service..."}});
  file.add(1'200, 210, said(logrus("Pod for etcd is synced"), "newer"));
  file.grow(in_var());
  EXPECT_EQ(poll(), Verdict::missed);
  EXPECT_THAT(logic_->reason(), HasSubstr("new invocation while the window was open"));
  EXPECT_EQ(logic_->invocation(), "new") << "the window's own";
}

TEST_P(Armed, sees_the_marker_behind_a_rotation) {
  JournalFixture file(GetParam());
  file.add(500, 5, said(logrus("before"), "old"));
  file.write(in_var());
  arm();
  file.add(1'000, 10, said(logrus("hello")));
  file.grow(in_var());
  fs::rename(in_var(), in_var("system@r-1.journal"));
  JournalFixture fresh(GetParam());
  fresh.row('\0', 3).add(2'000, 20, said(logrus("Pod for etcd is synced")));
  fresh.write(in_var());
  EXPECT_EQ(poll(kUntilRotationIsSeen), Verdict::armed);
  EXPECT_EQ(logic_->opened_mono_us(), 20);
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_P(Armed, does_not_fire_for_a_marker_that_was_vacuumed_and_says_what_is_gone) {
  JournalFixture file(GetParam());
  file.add(500, 5, said(logrus("before"), "old"));
  file.write(in_var());
  arm();
  fs::remove(in_var());
  JournalFixture fresh(GetParam());  // 2, the marker, was in a file that went with the vacuum
  fresh.row('\0', 3).add(2'000, 20, said(logrus("later")));
  fresh.add(2'100, 21, said(logrus("Pod for kube-apiserver is synced")));
  fresh.write(in_var());
  EXPECT_EQ(poll(kUntilRotationIsSeen), Verdict::wait);
  EXPECT_FALSE(logic_->opened());
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("1 journal entries (2 to 2)")));
}

TEST_P(Armed, says_that_journald_suppressed_lines_of_the_unit) {
  JournalFixture file(GetParam());
  file.write(in_var());
  arm();
  const auto journald = [](const std::string& message) {
    return Fields{{"_SYSTEMD_UNIT=systemd-journald.service"},
                  {"_PID=30"},
                  {"SYSLOG_IDENTIFIER=systemd-journald"},
                  {"MESSAGE=" + message}};
  };
  file.add(1'000, 10, journald("Suppressed 41 messages from rke2-server.service"));
  file.add(1'001, 11, journald("Suppressed 7 messages from other.service"));
  file.add(1'002, 12, journald("Time spent on flushing to /var/log/journal is 1ms"));
  file.add(1'003, 13, said("Suppressed 9 messages from rke2-server.service", "x", "other.service"));
  file.grow(in_var());
  EXPECT_EQ(poll(), Verdict::wait);
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("Suppressed 41 messages from rke2-server.service")));
}

TEST_P(Armed, counts_from_the_monotonic_clock_when_the_other_is_stepped) {
  JournalFixture file(GetParam());
  file.add(3'600'000'000, 5, said(logrus("before"), "old"));
  file.write(in_var());
  arm(40);
  file.add(1'000, 10, said(logrus("Pod for etcd is synced")));  // an hour back
  file.grow(in_var());
  EXPECT_EQ(poll(), Verdict::armed);
  EXPECT_EQ(logic_->fire_at_mono_us(), 50);
  // journald begins another file when time has jumped.
  fs::rename(in_var(), in_var("system@r-1.journal"));
  JournalFixture fresh(GetParam());
  fresh.row('\0', 3).add(7'200'000'000, 45, said(logrus("Pod for kube-apiserver is synced")));
  fresh.write(in_var());
  EXPECT_EQ(poll(kUntilRotationIsSeen), Verdict::missed);
  EXPECT_THAT(logic_->reason(), HasSubstr("closed after 35 us, before the offset of 40 us"));
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_P(Armed, reads_a_journal_that_is_only_in_memory) {
  JournalFixture file(GetParam());
  file.write(in_run());
  arm();
  file.add(1'000, 10, said(logrus("hello")));
  file.grow(in_run());
  EXPECT_EQ(poll(), Verdict::wait);
  fs::rename(in_run(), in_run("system@r-1.journal"));
  JournalFixture fresh(GetParam());
  fresh.row('\0', 2).add(2'000, 20, said(logrus("Pod for etcd is synced")));
  fresh.write(in_run());
  EXPECT_EQ(poll(kUntilRotationIsSeen), Verdict::armed);
}

TEST_P(Armed, knows_a_marker_of_a_thousand_characters) {
  JournalFixture file(GetParam());
  file.write(in_var());
  arm();
  const std::string why(3'800, 'x');
  file.add(1'000, 10, said(logrus("Pod for etcd not synced (" + why + "), retrying")));
  file.grow(in_var());
  EXPECT_EQ(poll(), Verdict::armed);
}

TEST_P(Armed, is_not_opened_by_a_longer_line_whose_end_it_does_not_read) {
  JournalFixture file(GetParam());
  file.write(in_var());
  arm();
  const std::string why(9'000, 'x');
  file.add(1'000, 10, said(logrus("Pod for etcd not synced (" + why + "), retrying")));
  file.grow(in_var());
  EXPECT_EQ(poll(), Verdict::wait);
}

TEST_P(Armed, is_not_opened_by_a_marker_behind_a_newline) {
  JournalFixture file(GetParam());
  file.write(in_var());
  arm();
  file.add(1'000, 10, said("something\n" + logrus("Pod for etcd is synced")));
  file.add(1'001, 11, said(logrus("something\nPod for etcd is synced")));
  file.add(1'002, 12, said(logrus("Pod for etcd is synced\nsomething")));
  file.grow(in_var());
  EXPECT_EQ(poll(), Verdict::wait);
}

TEST_P(Armed, is_not_opened_by_what_others_say) {
  JournalFixture file(GetParam());
  file.write(in_var());
  arm();
  const std::string marker = logrus("Pod for etcd is synced");
  file.add(1'000, 10, said(logrus("hello")));
  file.add(1'001, 11, said(marker, "new", "session-3.scope"));
  file.add(1'002, 12, said(marker, "new", "user@1000.service"));
  file.add(1'003, 13, said(marker, "new", "rke2-server.service.evil.service"));
  Fields claimed = said(marker, "new", "evil.service");
  claimed.push_back({"UNIT=rke2-server.service"});
  claimed.push_back({"OBJECT_SYSTEMD_UNIT=rke2-server.service"});
  claimed.push_back({"INVOCATION_ID=new"});
  claimed.push_back({"SYSTEMD_UNIT=rke2-server.service"});
  file.add(1'004, 14, claimed);
  file.add(1'005, 15, {{"SYSLOG_IDENTIFIER=rke2"}, {"_UID=1000"}, {"MESSAGE=" + marker}});
  file.grow(in_var());
  EXPECT_EQ(poll(), Verdict::wait);
  file.add(1'006, 16, said(marker));
  file.grow(in_var());
  EXPECT_EQ(poll(), Verdict::armed);
}

INSTANTIATE_TEST_SUITE_P(Layouts, Armed, testing::Values(Layout::regular, Layout::compact));

}  // namespace
}  // namespace harness::guard
