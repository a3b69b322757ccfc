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

TEST(Render, tells_every_length_of_a_window_that_opened_again) {
  Feed feed;
  feed.begin("i1").line("Pod for etcd is synced").line("Running x");
  feed.line("Pod for kube-apiserver is synced").line("Pod for etcd is synced");
  feed.line("Pod for kube-apiserver is synced").line("Pod for etcd is synced");
  const auto all = feed.survey.finish();
  const Json seen = to_json({.what = "x"}, all)["invocations"][0]["windows"][0];
  EXPECT_EQ(seen["lengths_us"], Json({2000, 1000}));
  EXPECT_EQ(seen["length_us"], 1000);
  EXPECT_THAT(to_text({.what = "x"}, all),
              HasSubstr("(the last of 3: 2.0 ms, 1.0 ms, not closed)"));
}

TEST(Render, says_how_many_are_not_shown_and_how_many_of_them_drift) {
  Source source{.what = "x", .invocations = 9, .unshown = {.count = 7, .drifted = 2}};
  const std::string said = "7 older invocation(s) are not shown, 2 of them differ: a larger --last";
  EXPECT_THAT(to_text(source, {}), HasSubstr(said));
  EXPECT_THAT(to_report(source, {}, "hookshot 0"), HasSubstr(said));
  EXPECT_EQ(to_json(source, {})["verdict"], "differs");
  EXPECT_EQ(to_json(source, {})["not_shown"], Json({{"invocations", 7}, {"drifted", 2}}));
  source.unshown.drifted = 0;
  EXPECT_THAT(to_text(source, {}), HasSubstr("7 older invocation(s) are not shown, none of them"));
}

TEST(Render, says_how_many_unexplained_lines_it_has_no_text_of) {
  Invocation one;
  one.unexplained_more = 30;
  EXPECT_THAT(to_text({.what = "x"}, {one}), HasSubstr("unexplained  30 more line(s)"));
  EXPECT_THAT(to_report({.what = "x"}, {one}, "hookshot 0"), HasSubstr("30 more line(s)"));
  EXPECT_EQ(to_json({.what = "x"}, {one})["invocations"][0]["unexplained_more"], 30);
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
