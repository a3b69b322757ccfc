#include "harness/report/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/report.h"

namespace harness::report {
namespace {

using check::Verdict;
using testing::HasSubstr;

Instant hit(Verdict verdict = Verdict::pass) {
  return {.hop = "a to b",
          .fault = "kill-pod pod=etcd",
          .window = "hooks",
          .target = "cp-1",
          .hit = true,
          .verdict = verdict};
}

Instant miss_in(const std::string& window) {
  Instant out = hit();
  out.window = window;
  out.hit = false;
  return out;
}

Json cell(const std::string& window) {
  return {{"name", "s/" + window},
          {"path", {"a", "b"}},
          {"fault", "kill-pod"},
          {"params", {{"pod", "etcd"}}},
          {"window", window},
          {"target", "cp-1"}};
}

check::CaseVerdict ran(const std::string& window, Verdict verdict) {
  check::CaseVerdict out;
  out.name = "s/" + window;
  out.trials = {{.trial = 1,
                 .verdict = verdict,
                 .hit = verdict == Verdict::pass,
                 .window = window,
                 .fault = "kill-pod",
                 .target = "cp-1",
                 .from = "a",
                 .to = "b",
                 .params = {{"pod", "etcd"}}}};
  return out;
}

// The rows as a run with these cases in its plan has them, one text each.
std::vector<std::string> rows_of(const Json& plan, const std::vector<check::CaseVerdict>& cases) {
  std::vector<std::string> out;
  for (const CoverageRow& row : coverage(planned_cells(plan, cases), instants_of(cases))) {
    out.push_back(row.window + ": " + in_words(row));
  }
  return out;
}

TEST(Coverage, says_what_was_never_hit_and_what_never_tried) {
  Instant third = hit();
  third.target = "cp-2";
  const auto rows = coverage({}, {hit(Verdict::fail), hit(), miss_in("sync"), third});
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].hits, 2);
  EXPECT_EQ(rows[0].fails, 1);
  const std::string text = to_text(rows);
  EXPECT_THAT(text, HasSubstr("tried, never hit: 1 trial(s)"));
  EXPECT_THAT(text, HasSubstr("never tried, not in the plan"));
}

// It was made of the trials: what a run did not reach, or what ended in errors, was not there.
TEST(Coverage, has_what_the_plan_has_also_where_nothing_was_judged) {
  const Json plan = {{"cases", {cell("hooks"), cell("ready"), cell("sync")}}};
  check::CaseVerdict not_reached;
  not_reached.name = "s/sync";
  EXPECT_THAT(
      rows_of(plan, {ran("hooks", Verdict::pass), ran("ready", Verdict::error), not_reached}),
      testing::ElementsAre("hooks: 1 hit(s), 0 miss(es), 0 not survived",
                           "ready: never tried; 1 trial(s) ended in an error",
                           "sync: never tried"));
  EXPECT_THAT(
      rows_of(plan, {}),
      testing::ElementsAre("hooks: never tried", "ready: never tried", "sync: never tried"));
}

TEST(Coverage, tells_what_a_node_cannot_do_from_what_missed) {
  const Json plan = {{"cases", {cell("hooks"), cell("sync")}}};
  EXPECT_THAT(rows_of(plan, {ran("hooks", Verdict::skip), ran("sync", Verdict::unproven)}),
              testing::ElementsAre("hooks: never tried; 1 trial(s) skipped, the node cannot do it",
                                   "sync: tried, never hit: 1 trial(s)"));
}

TEST(Coverage, counts_a_hit_that_could_not_be_judged_apart) {
  const auto rows = coverage({}, {hit(), hit(Verdict::unproven), hit(Verdict::unproven)});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(in_words(rows[0]),
            "1 hit(s), 0 miss(es), 0 not survived; 2 trial(s) hit without enough facts");
  EXPECT_EQ(to_json(rows)[0]["trials"], 3);
  EXPECT_EQ(to_json(rows)[0]["unproven"], 2);
  EXPECT_EQ(in_words(coverage({}, {hit(Verdict::unproven)})[0]),
            "0 hit(s), 0 miss(es), 0 not survived; 1 trial(s) hit without enough facts");
}

TEST(Coverage, counts_no_hit_beside_a_window_as_one_of_it) {
  Instant before = hit();
  before.before = true;
  Instant after = hit();
  after.after = true;
  const auto rows = coverage({}, {before, after});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].hits, 0);
  EXPECT_EQ(in_words(rows[0]), "never tried; 2 trial(s) aimed before or after it");
}

TEST(Coverage, leaves_stretched_trials_out_of_the_counts) {
  Instant stretched = hit();
  stretched.stretched = true;
  const auto rows = coverage({}, {stretched});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].trials, 0);
  EXPECT_EQ(in_words(rows[0]), "never tried; 1 trial(s) in a stretched window");
}

TEST(Coverage, writes_further_faults_of_the_plan_as_those_of_trials) {
  Json with = cell("hooks");
  with["companions"] = {{{"fault", "slow-service"},
                         {"params", {{"percent", "10"}}},
                         {"window", "sync"},
                         {"offset", "500ms"}}};
  check::CaseVerdict one = ran("hooks", Verdict::pass);
  one.trials[0].companions = {{.fault = "slow-service",
                               .params = {{"percent", "10"}},
                               .window = "sync",
                               .aim = "+500ms",
                               .target = "cp-1"}};
  const Json plan = {{"cases", {with}}};
  EXPECT_EQ(planned_cells(plan, {}).at(0).fault, instants_of({one}).at(0).fault);
  EXPECT_EQ(rows_of(plan, {one}).size(), 1U);
}

TEST(Coverage, keeps_the_windows_of_two_nodes_apart) {
  Json elsewhere = cell("hooks");
  elsewhere["name"] = "s/elsewhere";
  elsewhere["while"] = "cp-2";
  const Json plan = {{"cases", {cell("hooks"), elsewhere}}};
  const auto rows = coverage(planned_cells(plan, {}), {hit()});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].hits, 1);
  EXPECT_EQ(rows[1].seen_on, "cp-2");
  EXPECT_EQ(in_words(rows[1]), "never tried");
  EXPECT_THAT(to_text(rows), HasSubstr("hooks of cp-2"));
}

TEST(Coverage, has_no_row_for_cases_without_a_fault) {
  Json none = cell("");
  none["fault"] = "none";
  EXPECT_TRUE(rows_of({{"cases", {none}}}, {}).empty());
}

TEST(Coverage, shows_a_hit_that_could_not_be_judged_in_every_report) {
  Model model{.run = "r", .cases = {ran("hooks", Verdict::unproven)}};
  model.cases[0].trials[0].hit = true;
  model.cases[0].trials[0].landed_us = 40'000;
  model.cases[0].trials[0].length_us = 100'000;
  const auto no_events = [](const std::string&, int) { return std::vector<Json>(); };
  for (const std::string& text : {to_markdown(model), to_html(model, no_events)}) {
    EXPECT_THAT(text, HasSubstr(".|........?...........|."));
    EXPECT_THAT(text, HasSubstr("`?` hit without enough facts"));
    EXPECT_THAT(text, HasSubstr("1 trial(s) hit without enough facts"));
  }
}

TEST(Coverage, is_in_every_report_also_of_a_run_that_was_stopped) {
  const Json plan = {{"cases", {cell("hooks"), cell("sync")}}};
  Model model{.run = "r", .cases = {ran("hooks", Verdict::pass)}};
  model.cases[0].trials[0].landed_us = 40'000;
  model.cases[0].trials[0].planned_us = 40'000;
  model.cases[0].trials[0].length_us = 100'000;
  model.planned = planned_cells(plan, model.cases);
  const auto no_events = [](const std::string&, int) { return std::vector<Json>(); };
  const std::string markdown = to_markdown(model);
  const std::string html = to_html(model, no_events);
  for (const std::string& text : {markdown, html}) {
    EXPECT_THAT(text, HasSubstr("never tried"));
    EXPECT_THAT(text, HasSubstr(".|........o...........|."));
    EXPECT_THAT(text, HasSubstr("40 ms to 45 ms       1 hit(s), 0 not survived, 0 miss(es)"));
    EXPECT_THAT(text, HasSubstr("`X` hit and not survived")) << "the signs are explained";
  }
  EXPECT_THAT(html, HasSubstr("<tr><td>sync</td><td>kill-pod pod=etcd</td><td>cp-1</td>"));
  const Json json = model.to_json();
  EXPECT_EQ(json["coverage"][1]["planned"], true);
  EXPECT_EQ(Model::from_json(json)->to_json(), json);
}

}  // namespace
}  // namespace harness::report
