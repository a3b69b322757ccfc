// What a user may send tells no secret, whatever digits, names and lengths are in it.

#include "harness/drift/render.h"
#include "harness/drift/survey_fixture.h"

namespace harness::drift {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Told {
  std::string text;
  std::string secret;  // what is left of it when its digits are taken away
  std::string shown;
};

std::vector<Told> told() {
  const std::string jwt = "eyJhbGciOiJSUzI1NiIsImtpZCI6.eyJpc3MiOiJrdWJlcm5l.c2lnbmF0dXJl";
  const std::string pem = "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0tCk1IY0NBUUVF";
  return {
      {"join K10ab12::server:my-own-token now", "my-own", "join [redacted token] now"},
      {"join K10abc::node:letters and 5 more", "letters", "join [redacted token] and # more"},
      {"open postgres://u:S3kret@db:5432/x", "kret", "open postgres://u:[redacted]@db:#/x"},
      {"sent " + jwt + " to it", "lnbmF", "sent [redacted] to it"},
      {"sent Bearer abcdefghijklmnop7 to it", "abcdef", "sent Bearer [redacted] to it"},
      {"found " + pem + " there", "CRUdJTiBFQyBQUklWQVRFIEtFWS", "found [redacted] there"},
      {"api2key is set, token=x1y", "x#y", "api#key is set, token=[redacted]"},
  };
}

std::string every_form_of(const std::deque<Invocation>& all) {
  const Source source{.what = "x"};
  return to_report(source, all, "hookshot 0") + to_text(source, all) + to_json(source, all).dump();
}

// A name that a rule for secrets looks for is hidden after it has looked.
TEST(Secrets, are_in_no_unexplained_line_whatever_the_host_is_called) {
  for (const std::string host : {"cp-1", "server", "node", "db"}) {
    for (const Told& one : told()) {
      Feed feed(packs(), {host});
      feed.begin("i1").line("Pod for etcd is synced").line(one.text);
      const auto all = feed.survey.finish();
      ASSERT_EQ(all.at(0).unexplained.size(), 1U) << one.text;
      EXPECT_THAT(every_form_of(all), Not(HasSubstr(one.secret))) << one.text << " on " << host;
      if (host == "cp-1") {
        EXPECT_EQ(all[0].unexplained[0].text, one.shown);
      }
    }
  }
}

TEST(Secrets, are_in_no_line_of_which_it_is_undecided_whether_it_is_one) {
  for (const Told& one : told()) {
    Feed feed;
    feed.begin("i1").line("Pod for etcd is synced").gap().line(one.text);
    const auto all = feed.survey.finish();
    ASSERT_EQ(all.at(0).undecided.size(), 1U) << one.text;
    EXPECT_THAT(all[0].undecided[0], HasSubstr(one.shown));
    EXPECT_THAT(every_form_of(all), Not(HasSubstr(one.secret))) << one.text;
  }
}

TEST(Secrets, are_in_no_last_words) {
  Feed feed(packs(), {"server"});
  feed.begin("i1").line("join K10ab12::server:my-own-token of server", "fatal");
  const auto all = feed.survey.finish();
  EXPECT_EQ(all.at(0).last_words, "join [redacted token] of [node]");
  EXPECT_THAT(every_form_of(all), Not(HasSubstr("my-own")));
}

// A rule sees a secret's end, which may be far behind what is shown.
TEST(Secrets, are_known_though_their_end_is_not_shown) {
  const std::string url = "open postgres://u:" + std::string(3000, 'p') + "@db";
  Feed feed;
  feed.begin("i1").line("Pod for etcd is synced").line(url).line(url, "fatal");
  const auto all = feed.survey.finish();
  ASSERT_EQ(all.at(0).unexplained.size(), 1U);
  EXPECT_EQ(all[0].unexplained[0].text, "open postgres://u:[redacted]@db");
  EXPECT_EQ(all[0].last_words, "open postgres://u:[redacted]@db");
}

TEST(Secrets, leave_a_line_one_line_though_they_differ_in_digits) {
  Feed feed;
  feed.begin("i1").line("Pod for etcd is synced");
  feed.line("open postgres://u:pw1@db").line("open postgres://u:pw22@db");
  const auto all = feed.survey.finish();
  ASSERT_EQ(all.at(0).unexplained.size(), 1U);
  EXPECT_EQ(all[0].unexplained[0].count, 2U);
  EXPECT_THAT(every_form_of(all), AllOf(HasSubstr("[redacted]@db"), Not(HasSubstr("pw"))));
}

}  // namespace
}  // namespace harness::drift
