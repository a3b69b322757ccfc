#include "harness/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::report {
namespace {

using check::CaseVerdict;
using check::Verdict;
using testing::HasSubstr;
using testing::Not;

CaseVerdict a_case(std::string name, Verdict verdict, std::string reason) {
  CaseVerdict out{.name = std::move(name),
                  .expect = "pass",
                  .issue = "",
                  .outcome = verdict,
                  .verdict = verdict,
                  .reason = std::move(reason)};
  check::TrialVerdict trial{.trial = 1, .verdict = verdict, .reason = out.reason, .hit = true};
  trial.checks.push_back({"journal-clean", verdict, out.reason, std::nullopt});
  trial.marker_to_action_us = 1500;
  out.trials.push_back(std::move(trial));
  return out;
}

Model model() {
  Model out{.run = "r1",
            .tool = "hookshot 0",
            .seed = 7,
            .inventory = "d",
            .cluster = "lab",
            .started = "2026-01-01T00:00:00.000000Z",
            .finished = "2026-01-01T00:10:00.000000Z"};
  out.cases = {
      a_case("s/a_to_b/none/cp-1", Verdict::pass, "ok"),
      a_case("s/a_to_b/kill/cp-1", Verdict::fail, "died: <script>alert(1)</script> ]]> \x01\x02"),
      a_case("s/a_to_b/x/cp-1", Verdict::unproven, "miss"),
      a_case("t/a_to_b/y/cp-1", Verdict::error, "ssh")};
  return out;
}

std::vector<Json> no_events(const std::string&, int) {
  return {};
}

TEST(Junit, maps_verdicts_honestly) {
  const std::string xml = to_junit(model());
  EXPECT_THAT(
      xml,
      HasSubstr("<testsuite name=\"s\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""));
  EXPECT_THAT(
      xml,
      HasSubstr("<testsuite name=\"t\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\""));
  EXPECT_THAT(xml, HasSubstr("classname=\"s.a_to_b\" name=\"none/cp-1\""));
  EXPECT_THAT(xml, HasSubstr("<failure message=\"died: &lt;script"));
  EXPECT_THAT(xml, HasSubstr("<skipped message=\"miss\""));
  EXPECT_THAT(xml, HasSubstr("<error message=\"ssh\" type=\"harness\""));
  EXPECT_EQ(xml.find('\x01'), std::string::npos) << "control characters are not XML";
}

TEST(Html, lets_no_text_become_markup) {
  const std::string html = to_html(model(), no_events);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("http://")));
  EXPECT_THAT(html, Not(HasSubstr("https://")));
}

TEST(Html, draws_windows_faults_and_gaps) {
  const auto events = [](const std::string&, int) {
    return std::vector<Json>{{{"type", "window"},
                              {"node", "cp-1"},
                              {"window", "w"},
                              {"op", "opened"},
                              {"wall_us", 1'000'000}},
                             {{"type", "window"},
                              {"node", "cp-1"},
                              {"window", "w"},
                              {"op", "closed"},
                              {"wall_us", 3'000'000}},
                             {{"type", "fault"},
                              {"node", "cp-1"},
                              {"fault", "kill-pod"},
                              {"effect", {{"wall_us", 2'000'000}}}},
                             {{"type", "probe"},
                              {"node", "cp-1"},
                              {"probe", "readyz"},
                              {"outcome", "not-ok"},
                              {"wall_us", 2'100'000}},
                             {{"type", "probe"},
                              {"node", "cp-1"},
                              {"probe", "readyz"},
                              {"outcome", "ok"},
                              {"wall_us", 2'900'000}}};
  };
  const std::string html = to_html(model(), events);
  EXPECT_THAT(html, HasSubstr(">cp-1 w</text>"));
  EXPECT_THAT(html, HasSubstr("cp-1 readyz away"));
  EXPECT_THAT(html, HasSubstr("(2.000 s)"));
}

TEST(Html, stays_small_for_many_events) {
  std::vector<Json> many;
  for (int i = 0; i < 100'000; ++i) {
    many.push_back({{"type", "probe"},
                    {"node", "cp-1"},
                    {"probe", "readyz"},
                    {"outcome", i % 2 == 0 ? "ok" : "not-ok"},
                    {"wall_us", i * 100'000}});
  }
  const std::string html = to_html(model(), [&](const std::string&, int) { return many; });
  EXPECT_LT(html.size(), 5U << 20U);
}

TEST(Markdown, says_the_verdict_first_and_who_must_act) {
  const std::string text = to_markdown(model());
  EXPECT_EQ(text.find("# r1: fail"), 0U);
  EXPECT_THAT(text, HasSubstr("The product did not do what it must"));
  EXPECT_THAT(text, HasSubstr("| 1.5 ms |"));
}

TEST(VerdictJson, has_the_documented_shape) {
  const Json json = *parse_json(to_verdict_json(model()));
  EXPECT_EQ(json["verdict"], "fail");
  EXPECT_EQ(json["cases"][0]["trials"][0]["trigger_latency_us"]["marker_to_action"], 1500);
  EXPECT_THAT(json["cases"][0]["trials"][0]["repeat"].get<std::string>(), HasSubstr("--seed 7"));
}

TEST(Printable, cuts_between_characters) {
  EXPECT_EQ(printable("a\x1b[0m"), "a?[0m");
  EXPECT_EQ(printable("\xc3\xa4\xc3\xa4", 3), "\xc3\xa4 [cut]");
}

}  // namespace
}  // namespace harness::report
