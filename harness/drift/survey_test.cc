#include "harness/drift/survey_fixture.h"
#include "harness/drift/verdict.h"

namespace harness::drift {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Survey, says_nothing_of_a_start_as_the_pack_has_it) {
  Feed feed;
  feed.begin("i1").line("Pod for etcd is synced").line("Running kubelet --x");
  feed.line("Pod for kube-apiserver is synced")
      .line("Setting runtimes")
      .line("rke2 is up and running");
  const Invocation one = feed.only();
  EXPECT_EQ(one.build, "v1.30.13-rc2+rke2r1");
  EXPECT_EQ(one.pack, "1.30");
  EXPECT_TRUE(one.ready);
  EXPECT_FALSE(one.drifts());
  ASSERT_EQ(one.windows.size(), 2U);
  EXPECT_EQ(one.windows[0].length_us, 2000);
  EXPECT_THAT(one.not_visible, ElementsAre("gap"));
}

TEST(Survey, names_a_marker_that_never_came) {
  Feed feed;
  feed.begin("i1")
      .line("Pod for etcd is synced")
      .line("Setting runtimes")
      .line("rke2 is up and running");
  const Invocation one = feed.only();
  EXPECT_THAT(one.missing, ElementsAre(HasSubstr("sync never closed; wanted log \"Pod for kube-")));
  EXPECT_TRUE(one.drifts());
}

TEST(Survey, expects_nothing_of_a_start_that_died_or_whose_beginning_is_missing) {
  Feed died;
  died.begin("i1").line("Pod for etcd is synced").line("runtimes: failed", "fatal");
  const Invocation dead = died.only();
  EXPECT_THAT(dead.missing, IsEmpty());
  EXPECT_EQ(dead.last_words, "runtimes: failed");
  Feed cut;
  cut.invocation = "i1";
  cut.line("Starting rke2 v1.30.13+rke2r1 (x)").line("rke2 is up and running");
  EXPECT_THAT(cut.only().missing, IsEmpty());
}

TEST(Survey, tells_unexplained_lines_inside_windows_once_per_text_and_redacted) {
  Feed feed;
  feed.begin("i1").line("before any window 1").line("Pod for etcd is synced");
  feed.line("new text of 10.0.0.1 after 12 s", "warning").line("new text of 10.0.0.77 after 9 s");
  feed.line("join with K10abcdef0123456789::server:huntersecret");
  feed.line("Pod for kube-apiserver is synced")
      .line("Setting runtimes")
      .line("rke2 is up and running");
  const Invocation one = feed.only();
  ASSERT_EQ(one.unexplained.size(), 2U);
  EXPECT_EQ(one.unexplained[0].text, "new text of #.#.#.# after # s");
  EXPECT_EQ(one.unexplained[0].count, 2U);
  EXPECT_EQ(one.unexplained[0].window, "sync");
  EXPECT_EQ(one.unexplained[1].text, "join with [redacted token]");
}

TEST(Survey, finds_the_pack_that_fits_a_build_without_one) {
  Feed feed;
  feed.invocation = "i1";
  feed.survey.feed({.invocation = "i1",
                    .unit = "rke2-server.service",
                    .ident = "systemd",
                    .pid = 1,
                    .message = "Starting rke2-server.service"});
  feed.line("Starting rke2 v1.99.1+rke2r1 (x)").line("New hooks").line("rke2 is up and running");
  const Invocation one = feed.only();
  EXPECT_EQ(one.pack, "");
  EXPECT_EQ(one.best_pack, "1.99");
  EXPECT_TRUE(one.drifts());
}

// Releases up to 1.30.12 need not write a line that those of other lines do, and may.
TEST(Survey, prefers_no_other_pack_to_one_of_which_nothing_is_missing) {
  Packs all = packs();
  Packs::Line more = all.lines.front();
  more.name = "1.98";
  more.server.push_back(window("readyz", "Pod for kube-apiserver is synced", "rke2 is up*"));
  all.lines.push_back(std::move(more));
  Feed feed(std::move(all));
  feed.whole("i1");
  const Invocation one = feed.only();
  EXPECT_EQ(one.best_pack, "");
  EXPECT_FALSE(one.drifts());
}

TEST(Survey, needs_no_end_of_a_window_that_may_stay_open) {
  Packs all = packs();
  const auto of = [](bool may) {
    return [may](const Version&, bool) -> Result<std::vector<Expected>> {
      Expected sync = window("sync", "Pod for etcd*", "Pod for kube-apiserver is synced");
      sync.may_stay_open = may;
      return std::vector<Expected>{sync};
    };
  };
  for (const bool may : {true, false}) {
    all.of = of(may);
    Feed feed(all);
    feed.begin("i1").line("Pod for etcd is synced").line("rke2 is up and running");
    EXPECT_EQ(feed.only().missing.empty(), may);
    Feed none(all);
    none.begin("i1").line("rke2 is up and running");
    EXPECT_THAT(none.only().missing, ElementsAre(HasSubstr("sync never opened")));
  }
}

TEST(Survey, keeps_invocations_apart_and_only_the_last_ones) {
  Survey survey(packs(), 2);
  for (int i = 0; i < 9; ++i) {
    survey.feed({.invocation = "i" + std::to_string(i),
                 .unit = "rke2-server.service",
                 .ident = "rke2",
                 .pid = 4,
                 .message = "x"});
  }
  EXPECT_EQ(survey.invocations(), 9U);
  const auto kept = survey.finish();
  EXPECT_EQ(kept.back().id, "i8");
  EXPECT_EQ(kept.size(), 2U);
  EXPECT_EQ(survey.unshown().count, 7U);
}

// `journalctl -m`: the lines of two starts come in turns.
TEST(Survey, judges_each_start_of_several_hosts_whole) {
  Survey survey(packs());
  const auto say = [&](const std::string& host, const std::string& ident, const std::string& text) {
    survey.feed({.invocation = host + "-start",
                 .unit = "rke2-server.service",
                 .ident = ident,
                 .pid = ident == "systemd" ? 1 : 4,
                 .host = host,
                 .message = ident == "rke2" ? "level=info msg=\"" + text + "\"" : text});
  };
  const auto both = [&](const std::string& ident, const std::string& text) {
    say("cp-1", ident, text);
    say("cp-2", ident, text);
  };
  both("systemd", "Starting rke2-server.service - x...");
  both("rke2", "Starting rke2 v1.30.13+rke2r1 (x)");
  both("rke2", "Pod for etcd is synced");
  say("cp-2", "rke2", "Pod for kube-apiserver is synced");
  both("rke2", "Setting runtimes");
  both("rke2", "rke2 is up and running");
  EXPECT_EQ(survey.invocations(), 2U);
  const auto all = survey.finish();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].lines, 5U);
  EXPECT_THAT(all[0].missing, ElementsAre(HasSubstr("sync never closed")));
  EXPECT_EQ(all[1].id, "cp-2-start");
  EXPECT_FALSE(all[1].drifts());
  EXPECT_TRUE(all[1].proves());
  EXPECT_EQ(judge({.what = "x"}, all), Verdict::differs);
}

// RestartSec=5s: minutes of a crash loop come after the start that matters.
TEST(Survey, judges_also_what_it_does_not_keep) {
  const auto after_a_loop = [](bool drifts) {
    auto feed = std::make_unique<Feed>(packs(), std::vector<std::string>{}, 2);
    drifts ? feed->begin("i0").line("rke2 is up and running") : feed->whole("i0");
    for (int i = 1; i < 9; ++i) {
      feed->begin("i" + std::to_string(i)).line("failed", "fatal");
    }
    return feed;
  };
  for (const bool drifts : {true, false}) {
    const auto feed = after_a_loop(drifts);
    const auto kept = feed->survey.finish();
    const Unshown& unshown = feed->survey.unshown();
    EXPECT_EQ(kept.size(), 2U);
    EXPECT_EQ(unshown.count, 7U);
    EXPECT_EQ(unshown.drifted, drifts ? 1U : 0U);
    EXPECT_EQ(unshown.proved, 1U) << "the start before the loop";
    const Source source{.what = "x", .invocations = 9, .unshown = unshown};
    EXPECT_EQ(judge(source, kept), drifts ? Verdict::differs : Verdict::same);
    EXPECT_THAT(doubts(source, kept), IsEmpty());
  }
}

// One text a window is enough to see that the pack is wrong; a flood must not look like few.
TEST(Survey, counts_unexplained_lines_whose_texts_it_does_not_keep) {
  Feed feed;
  feed.begin("i1").line("Pod for etcd is synced");
  for (int i = 0; i < 230; ++i) {
    feed.line("new " + std::string(1 + i, 'x'));
  }
  const Invocation one = feed.only();
  EXPECT_EQ(one.unexplained.size(), 200U);
  EXPECT_EQ(one.unexplained_more, 30U);
}

TEST(Survey, counts_spans_and_keeps_the_length_of_each) {
  Feed feed;
  feed.begin("i1").line("Pod for etcd is synced").line("Running x");
  feed.line("Pod for kube-apiserver is synced");
  feed.line("Pod for etcd not synced (x), retrying").line("Pod for kube-apiserver is synced");
  feed.line("Setting runtimes").line("rke2 is up and running");
  const Invocation one = feed.only();
  EXPECT_EQ(one.windows[0].spans, 2);
  EXPECT_EQ(one.windows[0].length_us, 1000) << "of the last";
  EXPECT_THAT(one.windows[0].lengths_us, ElementsAre(2000, 1000));
}

// systemd warns of left-over processes before it says that it starts the unit.
TEST(Survey, takes_a_start_for_whole_whatever_systemd_says_before_it) {
  Feed feed;
  feed.invocation = "i1";
  feed.raw("systemd", "rke2-server.service: Found left-over process 384 in control group.");
  feed.raw("systemd", "Starting rke2-server.service - x...");
  feed.line("Starting rke2 v1.30.13-rc2+rke2r1 (x)").line("rke2 is up and running");
  EXPECT_TRUE(feed.only().whole);
  Feed stopped;
  stopped.invocation = "i1";
  stopped.raw("systemd", "rke2-server.service: Main process exited, code=killed");
  EXPECT_FALSE(stopped.only().whole);
}

// In text, only a later line may name the unit: it stays one start, and an agent's is held against
// an agent's windows.
TEST(Survey, keeps_one_start_together_when_a_later_line_names_its_unit) {
  Packs with = packs();
  with.of = [](const Version&, bool server) -> Result<std::vector<Expected>> {
    return std::vector<Expected>{server ? window("servers", "a", "b") : window("agents", "a", "b")};
  };
  Survey survey(std::move(with));
  const auto say = [&](const std::string& unit, const std::string& ident, const std::string& text) {
    survey.feed({.invocation = "run-1", .unit = unit, .ident = ident, .pid = 4, .message = text});
  };
  say("", "sh", "+ /usr/bin/systemctl is-enabled --quiet nm-cloud-setup.service");
  say("", "rke2", "time=x level=info msg=\"Starting rke2 agent v1.30.13+rke2r1 (x)\"");
  say("", "rke2", "time=x level=info msg=\"rke2 agent is up and running\"");
  say("rke2-agent.service", "systemd", "Started Rancher Kubernetes Engine v2 (agent).");
  const auto all = survey.finish();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].unit, "rke2-agent.service");
  EXPECT_EQ(all[0].lines, 4U);
  EXPECT_THAT(all[0].missing, ElementsAre(HasSubstr("agents never opened")));
}

}  // namespace
}  // namespace harness::drift
