#include "harness/drift/render.h"

#include "harness/drift/survey_fixture.h"

namespace harness::drift {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Render, says_in_every_form_what_differs) {
  Feed feed;
  feed.begin("i1").line("Pod for etcd is synced").line("surprise").line("Setting runtimes");
  feed.line("rke2 is up and running");
  const auto all = feed.survey.finish();
  const Source source{.what = "x.txt (text)", .entries = 6, .invocations = 1};
  EXPECT_THAT(to_text(source, all), HasSubstr("missing      sync never closed"));
  EXPECT_THAT(to_text(source, all), HasSubstr("unexplained  in sync: info surprise (1 x)"));
  EXPECT_THAT(to_report(source, all, "hookshot 0"), HasSubstr("surprise"));
  const Json json = to_json(source, all);
  EXPECT_TRUE(json["drifts"].get<bool>());
  EXPECT_EQ(json["verdict"], "differs");
  EXPECT_EQ(json["invocations"][0]["unexplained"][0]["text"], "surprise");
}

TEST(Render, proves_something_by_a_whole_start_alone) {
  const Source source{.what = "cp-1", .to_see_a_start = "give a longer --since"};
  EXPECT_EQ(judge(source, {}), Verdict::unproven) << "silence";
  EXPECT_THAT(to_text(source, {}), HasSubstr("no start was seen: give a longer --since"));
  EXPECT_THAT(to_text(source, {}), Not(HasSubstr("Nothing differs")));
  EXPECT_EQ(to_json(source, {})["verdict"], "unproven");

  Feed middle;
  middle.invocation = "i1";
  middle.line("Setting runtimes").line("rke2 is up and running").line("later");
  const auto after = middle.survey.finish();
  EXPECT_EQ(judge(source, after), Verdict::unproven);
  EXPECT_THAT(to_text(source, after), HasSubstr("only what came after its beginning: give a"));

  Feed end;
  end.invocation = "i1";
  end.raw("systemd", "Stopping rke2-server.service - x...").line("rke2 is up and running");
  EXPECT_EQ(judge(source, end.survey.finish()), Verdict::unproven)
      << "systemd's word, but its last";

  Feed died;
  died.begin("i1").line("runtimes: failed", "fatal");
  EXPECT_EQ(judge(source, died.survey.finish()), Verdict::unproven);

  Feed good;
  good.whole("i1");
  const auto whole = good.survey.finish();
  EXPECT_EQ(judge(source, whole), Verdict::same);
  EXPECT_THAT(to_text(source, whole), HasSubstr("Nothing differs from the packs."));
}

TEST(Render, proves_nothing_from_a_journal_with_holes) {
  Feed feed;
  feed.whole("i1");
  const auto all = feed.survey.finish();
  const Source source{.what = "cp-1", .problems = {"Suppressed 9 messages"}};
  EXPECT_EQ(judge(source, all), Verdict::unproven);
  EXPECT_THAT(to_text(source, all), HasSubstr("not proved   Suppressed 9 messages"));
}

TEST(Render, does_not_miss_what_may_be_in_a_line_without_text) {
  Feed feed;
  feed.begin("i1").line("Pod for etcd is synced").without_text().line("Setting runtimes");
  feed.line("rke2 is up and running");
  const auto all = feed.survey.finish();
  EXPECT_THAT(all[0].missing, IsEmpty());
  EXPECT_THAT(all[0].undecided, ElementsAre(HasSubstr("sync never closed")));
  const Source source{.what = "x.json (json)", .to_see_texts = "use --all"};
  EXPECT_EQ(judge(source, all), Verdict::unproven);
  EXPECT_THAT(to_text(source, all),
              testing::AllOf(HasSubstr("1 line(s) of starts came without their text"),
                             HasSubstr("use --all"),
                             HasSubstr("undecided    sync never closed")));
}

TEST(Render, does_not_mind_a_line_without_text_long_after_the_start) {
  Feed feed;
  feed.whole("i1").without_text();
  EXPECT_EQ(judge({.what = "x"}, feed.survey.finish()), Verdict::same);
}

TEST(Render, names_no_host_in_what_is_sent) {
  Feed feed(packs(), {"worker-7"});
  feed.invocation = "i1";
  feed.raw("systemd", "Starting rke2-server.service - x...", "berlin.example.com");
  feed.line("Starting rke2 v1.30.13-rc2+rke2r1 (1b9bb73c846d)").line("Pod for etcd is synced");
  feed.line("surprise on Berlin, of WORKER-7 and paris-3");
  feed.line("Running kubelet --hostname-override=paris-3");
  feed.line("berlin failed", "fatal");
  const auto all = feed.survey.finish();
  const Source source{.what = "x"};
  for (const std::string& said : {to_report(source, all, "hookshot 0"), to_text(source, all)}) {
    EXPECT_THAT(said, HasSubstr("surprise on [node], of [node] and [node]"));
    EXPECT_THAT(said, Not(HasSubstr("erlin")));
    EXPECT_THAT(said, Not(HasSubstr("aris")));
  }
  EXPECT_EQ(all[0].last_words, "[node] failed");
}

TEST(Render, cuts_last_words_between_characters) {
  Feed feed;
  std::string long_words = "x";
  for (int i = 0; i < 400; ++i) {
    long_words += "ö";
  }
  feed.begin("i1").line(long_words, "fatal");
  const auto all = feed.survey.finish();
  EXPECT_NO_THROW(static_cast<void>(to_json({.what = "x"}, all).dump())) << "it is whole UTF-8";
}

}  // namespace
}  // namespace harness::drift
