// Journals from which entries are missing: what may be in a gap is neither missed nor blamed, and
// nothing is proved.

#include <cstdio>
#include <fstream>

#include <unistd.h>

#include "harness/drift/render.h"
#include "harness/drift/survey_fixture.h"
#include "harness/guard/journal_fixture.h"

namespace harness::drift {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Gap, may_hold_the_marker_that_is_not_seen) {
  Feed feed;
  feed.begin("i1").line("Pod for etcd is synced").gap().line("Setting runtimes");
  feed.line("rke2 is up and running");
  const Invocation one = feed.only();
  EXPECT_THAT(one.missing, IsEmpty());
  EXPECT_THAT(one.undecided, ElementsAre(HasSubstr("sync never closed")));
  EXPECT_EQ(one.gaps, 1U);
  EXPECT_FALSE(one.drifts());
  EXPECT_FALSE(one.proves());
}

TEST(Gap, before_the_build_is_said_counts_too) {
  Feed feed;
  feed.invocation = "i1";
  feed.raw("systemd", "Starting rke2-server.service - x...").gap();
  feed.line("Starting rke2 v1.30.13+rke2r1 (x)").line("rke2 is up and running");
  const Invocation one = feed.only();
  EXPECT_THAT(one.missing, IsEmpty());
  EXPECT_FALSE(one.proves());
}

TEST(Gap, long_after_the_start_hides_no_marker_of_it) {
  Feed feed;
  feed.begin("i1").line("Setting runtimes").line("rke2 is up and running").gap();
  const Invocation one = feed.only();
  EXPECT_THAT(one.missing, ElementsAre(HasSubstr("sync never opened")));
  EXPECT_EQ(one.gaps, 0U);
}

// Its window may have closed in the gap; of one that opened after it, nothing is in doubt.
TEST(Gap, leaves_it_open_whether_a_line_after_it_was_inside_a_window) {
  Feed feed;
  feed.begin("i1").line("Pod for etcd is synced").gap().line("after the gap of 10.0.0.1");
  const auto all = feed.survey.finish();
  EXPECT_FALSE(all[0].drifts());
  EXPECT_THAT(all[0].undecided,
              ElementsAre(AllOf(HasSubstr("in sync, if that had not closed unseen"),
                                HasSubstr("after the gap of #.#.#.# (1 x)"))));

  Feed both;
  both.begin("i1").line("Pod for etcd is synced").gap().line("Setting runtimes").line("surprise");
  const Invocation one = both.only();
  ASSERT_EQ(one.unexplained.size(), 1U);
  EXPECT_EQ(one.unexplained[0].window, "hooks");

  Feed again;
  again.begin("i1").line("Pod for etcd is synced").gap().line("Pod for etcd not synced").line("x");
  EXPECT_EQ(again.only().unexplained.size(), 1U) << "the window is open after the gap as well";
}

TEST(Gap, leaves_it_open_which_pack_fits) {
  Feed feed;
  feed.begin("i1").gap().line("New hooks").line("rke2 is up and running");
  EXPECT_EQ(feed.only().best_pack, "");
}

class Read : public testing::Test {
 protected:
  ~Read() override { std::remove(path_.c_str()); }

  Verdict check() {
    Survey survey(packs());
    const auto read = journal::read(
        path_, [&](const journal::Entry& entry) { survey.feed(entry); }, [&] { survey.lose(); });
    EXPECT_TRUE(read) << read.error().message();
    source_ = source_of("a.journal", *read);
    const auto all = survey.finish();
    text_ = to_text(source_, all);
    return judge(source_, all);
  }

  // Two starts as the pack has them.
  static std::vector<std::vector<guard::JournalFixture::Field>> lines() {
    std::vector<std::vector<guard::JournalFixture::Field>> out;
    for (const std::string run : {"i1", "i2"}) {
      out.push_back({{"UNIT=rke2-server.service"},
                     {"INVOCATION_ID=" + run},
                     {"_PID=1"},
                     {"MESSAGE=Starting rke2-server.service - x..."}});
      for (const char* msg : {"Starting rke2 v1.30.13+rke2r1 (x)",
                              "Pod for etcd is synced",
                              "Pod for kube-apiserver is synced",
                              "Setting runtimes",
                              "rke2 is up and running"}) {
        out.push_back({{"_SYSTEMD_UNIT=rke2-server.service"},
                       {"_SYSTEMD_INVOCATION_ID=" + run},
                       {"SYSLOG_IDENTIFIER=rke2"},
                       {"_PID=4"},
                       {std::string("MESSAGE=level=info msg=\"") + msg + "\""}});
      }
    }
    return out;
  }

  const std::string path_ = testing::TempDir() + "hookshot-gap-" + std::to_string(getpid());
  Source source_;
  std::string text_;
};

constexpr std::size_t kMarker = 9;  // "Pod for kube-apiserver is synced" of the second start

TEST_F(Read, from_a_damaged_file_proves_nothing_and_misses_nothing) {
  for (const bool damaged : {false, true}) {
    guard::JournalFixture fixture(guard::JournalFixture::Layout::regular);
    const auto all = lines();
    for (std::size_t i = 0; i < all.size(); ++i) {
      fixture.add(5000, 5000, all[i]);
      if (damaged && i == kMarker) {
        fixture.bytes()[fixture.last_entry()] = 99;
      }
    }
    fixture.write(path_);
    EXPECT_EQ(check(), damaged ? Verdict::unproven : Verdict::same) << text_;
  }
  EXPECT_THAT(text_,
              AllOf(HasSubstr("not proved   1 entry could not be read, the first is entry 10"),
                    HasSubstr("undecided    sync never closed"),
                    Not(HasSubstr("Nothing differs"))));
}

TEST_F(Read, from_torn_json_proves_nothing_and_misses_nothing) {
  for (const std::size_t torn : {kMarker, std::size_t{100}}) {
    std::ofstream out(path_, std::ios::trunc);
    const auto all = lines();
    for (std::size_t i = 0; i < all.size(); ++i) {
      Json object;
      for (const auto& [field, compression] : all[i]) {
        object[field.substr(0, field.find('='))] = field.substr(field.find('=') + 1);
      }
      const std::string line = object.dump();
      out << (i == torn ? line.substr(0, 20) : line) << "\n";
    }
    out.close();
    EXPECT_EQ(check(), torn == kMarker ? Verdict::unproven : Verdict::same) << text_;
    EXPECT_THAT(source_.problems,
                AllOf(testing::SizeIs(torn == kMarker ? 1 : 0), Each(HasSubstr("is line 10,"))));
  }
}

TEST_F(Read, from_a_torn_export_proves_nothing_and_misses_nothing) {
  for (const std::size_t torn : {kMarker, std::size_t{100}}) {
    std::ofstream out(path_, std::ios::trunc);
    const auto all = lines();
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::string record = "__REALTIME_TIMESTAMP=5\n";
      for (const auto& [field, compression] : all[i]) {
        record += field + "\n";
      }
      out << (i == torn ? record.substr(0, record.size() - 9) : record) << "\n";
    }
    out.close();
    EXPECT_EQ(check(), torn == kMarker ? Verdict::unproven : Verdict::same) << text_;
    EXPECT_THAT(source_.problems,
                AllOf(testing::SizeIs(torn == kMarker ? 1 : 0), Each(HasSubstr("is record 10,"))));
  }
}

TEST_F(Read, from_text_may_have_lines_that_are_of_no_process) {
  std::ofstream out(path_, std::ios::trunc);
  out << "May 16 09:07:38 cp-1 kernel: x\n"
         "May 16 09:07:39 cp-1 systemd[1]: Starting rke2-server.service - x...\n";
  for (const char* msg : {"Starting rke2 v1.30.13+rke2r1 (x)",
                          "Pod for etcd is synced",
                          "Pod for kube-apiserver is synced",
                          "Setting runtimes",
                          "rke2 is up and running"}) {
    out << "May 16 09:07:40 cp-1 rke2[4]: level=info msg=\"" << msg << "\"\n"
        << "May 16 09:07:40 cp-1 kernel: x\n";
  }
  out.close();
  EXPECT_EQ(check(), Verdict::same) << text_;
  EXPECT_EQ(source_.unreadable, 6U);
}

}  // namespace
}  // namespace harness::drift
