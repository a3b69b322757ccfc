#include "harness/drift/survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/drift/known.h"
#include "harness/drift/render.h"

namespace harness::drift {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

event::Marker log(const std::string& text) {
  return {.kind = event::Marker::Kind::log, .text = text, .level = {}, .object = {}};
}

Expected window(const std::string& name, const std::string& open, const std::string& close) {
  return {.window = {.name = name, .open = {log(open)}, .close = {log(close)}, .description = {}}};
}

Packs packs() {
  Expected gap = window("gap", "", "");
  gap.window.open = {{.kind = event::Marker::Kind::manifest,
                      .text = "removed",
                      .level = {},
                      .object = "kube-apiserver.yaml"}};
  Expected cis = window("cis", "Restricting*", "Restricted");
  cis.conditional = true;
  const std::vector<Expected> now = {
      window("sync", "Pod for etcd*", "Pod for kube-apiserver is synced"),
      window("hooks", "Setting runtimes", "rke2 is up and running"),
      gap,
      cis};
  const std::vector<Expected> later = {window("hooks", "New hooks", "rke2 is up and running")};
  Packs out;
  out.lines = {{"1.30", now, {}}, {"1.99", later, {}}};
  out.of = [now](const Version& version, bool) -> Result<std::vector<Expected>> {
    if (version.minor != 30) {
      return fail(ErrorCode::invalid_input, "no pack");
    }
    return now;
  };
  out.known = {"Running *"};
  return out;
}

class Feed {
 public:
  explicit Feed(Packs with = packs()) : survey(std::move(with)) {}

  Feed& line(const std::string& msg, const std::string& level = "info") {
    at_ += 1000;
    survey.feed({.wall_us = at_,
                 .mono_us = at_,
                 .boot_id = "b",
                 .invocation = invocation,
                 .unit = "rke2-server.service",
                 .ident = "rke2",
                 .pid = 4,
                 .message = "time=\"x\" level=" + level + " msg=\"" + msg + "\""});
    return *this;
  }

  Feed& begin(const std::string& id) {
    invocation = id;
    survey.feed({.wall_us = ++at_,
                 .mono_us = at_,
                 .boot_id = "b",
                 .invocation = id,
                 .unit = "rke2-server.service",
                 .ident = "systemd",
                 .pid = 1,
                 .message = "Starting rke2-server.service - x..."});
    return line("Starting rke2 v1.30.13-rc2+rke2r1 (1b9bb73c846d)");
  }

  Invocation only() {
    auto all = survey.finish();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? Invocation() : all.front();
  }

  Survey survey;
  std::string invocation;

 private:
  std::int64_t at_ = 1'000'000;
};

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
  feed.line("join with K10abcdef0123456789::server:hunter2secret");
  feed.line("Pod for kube-apiserver is synced")
      .line("Setting runtimes")
      .line("rke2 is up and running");
  const Invocation one = feed.only();
  ASSERT_EQ(one.unexplained.size(), 2U);
  EXPECT_EQ(one.unexplained[0].text, "new text of #.#.#.# after # s");
  EXPECT_EQ(one.unexplained[0].count, 2U);
  EXPECT_EQ(one.unexplained[0].window, "sync");
  EXPECT_THAT(one.unexplained[1].text, Not(HasSubstr("hunter2secret")));
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
  EXPECT_LE(kept.size(), 3U);
}

TEST(Survey, counts_spans_and_keeps_the_last_closing) {
  Feed feed;
  feed.begin("i1").line("Pod for etcd is synced").line("Pod for kube-apiserver is synced");
  feed.line("Pod for etcd not synced (x), retrying").line("Pod for kube-apiserver is synced");
  feed.line("Setting runtimes").line("rke2 is up and running");
  const Invocation one = feed.only();
  EXPECT_EQ(one.windows[0].spans, 2);
  EXPECT_EQ(one.windows[0].length_us, 1000);
}

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
  EXPECT_EQ(json["invocations"][0]["unexplained"][0]["text"], "surprise");
}

TEST(Known, holds_lists_that_load_and_no_glob_that_takes_everything) {
  const auto known = load_known(std::string(HOOKSHOT_SOURCE_DIR) + "/suites/windows/lines");
  ASSERT_TRUE(known) << known.error().message();
  EXPECT_GT(known->size(), 50U);
  for (const std::string& glob : *known) {
    EXPECT_FALSE(event::glob_matches(glob, "A text that no release has ever written")) << glob;
  }
}

}  // namespace
}  // namespace harness::drift
