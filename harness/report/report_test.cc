#include "harness/report/report.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/instants.h"

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
  for (std::int64_t i = 0; i < 100'000; ++i) {
    many.push_back({{"type", "probe"},
                    {"node", "cp-1"},
                    {"probe", "readyz"},
                    {"outcome", i % 2 == 0 ? "ok" : "not-ok"},
                    {"wall_us", i * 100'000}});
  }
  Model one = model();
  one.cases.resize(1);
  const std::string html =
      to_html(one, [&](const std::string&, int) { return std::exchange(many, {}); });
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

// Compares with a stored text; HOOKSHOT_ACCEPT=1 stores the new one instead, and the test is
// skipped.
void expect_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path =
      std::filesystem::path(HOOKSHOT_SOURCE_DIR) / "harness/report/golden" / name;
  if (std::getenv("HOOKSHOT_ACCEPT") != nullptr) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    GTEST_SKIP() << path << " was written anew";
  }
  std::ifstream in(path);
  std::ostringstream golden;
  golden << in.rdbuf();
  EXPECT_EQ(text, golden.str()) << "HOOKSHOT_ACCEPT=1 takes the new text";
}

Model shipped() {
  Model out = model();
  out.cases[0].trials[0].duration_s = 75.5;
  out.cases[0].trials[0].checks[0].recovery_s = 12.25;
  check::CaseVerdict expected = a_case("t/v1_to_v2/none/cp-1", Verdict::fail, "rke2 died");
  expected.expect = "fail";
  expected.issue = "rancher/rke2#8269";
  expected.verdict = Verdict::pass;
  out.cases.push_back(expected);
  out.cases.push_back({.name = "t/v1_to_v2/never/cp-1",
                       .expect = "pass",
                       .outcome = Verdict::skip,
                       .verdict = Verdict::skip,
                       .reason = "no trial was run"});
  out.dirty = {"cp-1: h-1 is DIRTY"};
  return out;
}

TEST(Junit, is_as_stored) {
  expect_golden("run.junit.xml", to_junit(shipped()));
}

TEST(Markdown, is_as_stored) {
  expect_golden("run.md", to_markdown(shipped()));
}

TEST(Model, comes_back_from_its_json) {
  const Json json = shipped().to_json();
  const auto back = Model::from_json(json);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->to_json(), json);
}

TEST(Model, says_what_is_no_verdict_json) {
  const auto none = Model::from_json(Json::array());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::invalid_input);
  Json json = shipped().to_json();
  json["cases"][1]["verdict"] = "splendid";
  const auto bad = Model::from_json(json);
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message(), HasSubstr("verdict: 'splendid' is no verdict"));
}

TEST(Render, gives_every_format) {
  const Model one = model();
  EXPECT_EQ(render(one, no_events, Format::json), to_verdict_json(one));
  EXPECT_EQ(render(one, no_events, Format::junit), to_junit(one));
  EXPECT_EQ(render(one, no_events, Format::markdown), to_markdown(one));
  EXPECT_EQ(render(one, no_events, Format::html), to_html(one, no_events));
}

TEST(Companions, are_told_in_every_report_for_people) {
  Model one = model();
  one.cases[1].trials[0].window = "static-pod-sync";
  one.cases[1].trials[0].companions = {{.fault = "slow-service",
                                        .params = {{"percent", "10"}},
                                        .window = "start-up-hooks",
                                        .aim = "+100ms",
                                        .target = "cp-1",
                                        .hit = false,
                                        .hit_reason = "it came <late>",
                                        .landed_us = {}}};
  EXPECT_THAT(to_markdown(one),
              HasSubstr("with slow-service in start-up-hooks +100ms on cp-1: missed: it came"));
  EXPECT_THAT(to_html(one, no_events), HasSubstr("+100ms: missed (it came &lt;late&gt;)"));
  EXPECT_EQ(instants_of(one.cases).at(0).fault,
            " with slow-service percent=10 at start-up-hooks +100ms");
  one.cases[1].trials[0].companions[0].landed_us = 101'500;
  one.cases[1].trials[0].companions[0].original_us = 100'000;
  EXPECT_THAT(to_markdown(one), HasSubstr("; landed +1.5 ms from the one that it replays"));
  EXPECT_THAT(to_html(one, no_events), HasSubstr("; landed +1.5 ms from the one that it replays"));
}

// The line used to stand among the maps, which a single trial had none of, and HTML never had it.
TEST(Replays, say_where_a_single_trial_landed_beside_the_original) {
  Model one = model();
  one.cases.resize(1);
  check::TrialVerdict& trial = one.cases[0].trials[0];
  EXPECT_THAT(to_markdown(one), Not(HasSubstr("Replayed")));
  trial.window = "w";
  trial.replays = "r0:s/c:3";
  trial.original_us = 10'000;
  trial.landed_us = 12'300;
  const std::string text = "landed +2.3 ms from r0:s/c:3, which landed at +10.0 ms";
  EXPECT_THAT(to_markdown(one), HasSubstr("- s/a_to_b/none/cp-1 #1 " + text + "\n"));
  EXPECT_THAT(to_html(one, no_events), HasSubstr("<p>Replayed: it " + text + ".</p>"));
  trial.landed_us.reset();
  EXPECT_EQ(replay_text(trial), "landed nowhere, and r0:s/c:3, which it replays, at +10.0 ms");
  trial.landed_us = -500;
  trial.original_us.reset();
  EXPECT_EQ(replay_text(trial), "landed at -0.5 ms, and r0:s/c:3, which it replays, nowhere");
}

TEST(Hostile, text_stays_text_in_every_report) {
  const std::string evil = std::string("]]><script>alert(1)</script>\x1b[31m\x07") + '\0' +
                           "|\n# x\xff\xc3 \"'&" + std::string(10'000, 'A');
  Model out = model();
  out.run = out.cluster = out.tool = evil;
  out.dirty = {evil};
  check::CaseVerdict& one = out.cases[1];
  one.name = "s/" + evil + "/x";
  one.reason = one.issue = one.expect = evil;
  check::TrialVerdict& trial = one.trials[0];
  trial.reason = trial.fault = trial.window = trial.offset = trial.target = evil;
  trial.effect_at = trial.hit_reason = evil;
  trial.checks[0].name = trial.checks[0].reason = evil;
  const auto events = [&](const std::string&, int) {
    return std::vector<Json>{
        {{"type", "window"}, {"node", evil}, {"window", evil}, {"op", "opened"}, {"wall_us", 5}},
        {{"type", "journal"},
         {"node", evil},
         {"invocation", evil},
         {"line", "panic: " + evil},
         {"wall_us", 9}}};
  };
  for (const Format format : {Format::junit, Format::markdown, Format::html}) {
    const std::string text = render(out, events, format);
    EXPECT_THAT(text, Not(HasSubstr("<script")));
    EXPECT_EQ(text.find_first_of(std::string("\x1b\x07\0", 3)), std::string::npos);
    EXPECT_LT(text.size(), 300'000U) << "every text has its bound";
    EXPECT_EQ(printable(text, SIZE_MAX), text) << "UTF-8 without control characters";
  }
  EXPECT_TRUE(parse_json(to_verdict_json(out)));
}

TEST(Html, shows_the_service_its_containers_and_the_fault_closely) {
  const auto events = [](const std::string&, int) {
    const auto journal = [](std::int64_t at, const char* id, const char* line) {
      return Json{{"type", "journal"},
                  {"node", "cp-1"},
                  {"invocation", id},
                  {"line", line},
                  {"wall_us", at}};
    };
    const auto container = [](std::int64_t at, const char* op, const char* id) {
      return Json{{"type", "container"},
                  {"node", "cp-1"},
                  {"op", op},
                  {"pod", "etcd"},
                  {"id", id},
                  {"wall_us", at}};
    };
    return std::vector<Json>{journal(1'000'000, "aaaaaaaaaa", "x"),
                             container(2'000'000, "started", "c1"),
                             journal(3'000'000, "aaaaaaaaaa", "time=t level=fatal msg=\"gone\""),
                             {{"type", "fault"},
                              {"node", "cp-1"},
                              {"fault", "kill-pod"},
                              {"begun", {{"wall_us", 3'000'000}}},
                              {"effect", {{"wall_us", 3'500'000}}}},
                             container(3'500'000, "exited", "c1"),
                             container(4'500'000, "started", "c2"),
                             journal(9'000'000, "bbbbbbbbbb", "x")};
  };
  const std::string html = to_html(model(), events);
  EXPECT_THAT(html, HasSubstr("invocation aaaaaaaa"));
  EXPECT_THAT(html, HasSubstr("level=fatal msg=&quot;gone&quot;"));
  EXPECT_THAT(html, HasSubstr("kill-pod effect"));
  EXPECT_THAT(html, HasSubstr("etcd c1 exited 1970-01-01T00:00:02.000000Z (1.500 s)"));
  EXPECT_THAT(html, HasSubstr("etcd c2, to the end"));
  EXPECT_THAT(html, HasSubstr("Around the effect"));
}

TEST(StandIn, is_named_in_every_report) {
  Model model{.run = "r"};
  const TrialEvents none = [](const std::string&, int) { return std::vector<Json>(); };
  for (const Format format : {Format::markdown, Format::html}) {
    model.standin = false;
    EXPECT_THAT(render(model, none, format), testing::Not(HasSubstr("stand-in")));
    model.standin = true;
    EXPECT_THAT(render(model, none, format), HasSubstr("this is a rehearsal"));
  }
  EXPECT_TRUE(model.to_json()["standin"].get<bool>());
  EXPECT_TRUE(Model::from_json(model.to_json())->standin);
}

TEST(Rates, are_shown_for_cases_of_more_than_one_hit) {
  Model many = model();
  check::CaseVerdict& one = many.cases[1];
  one.trials.clear();
  for (int i = 0; i < 20; ++i) {
    const Verdict verdict = i == 0 ? Verdict::fail : Verdict::pass;
    one.trials.push_back({.trial = i + 1, .verdict = verdict, .hit = true, .counts = true});
  }
  one.trials.push_back({.trial = 21, .verdict = Verdict::unproven});
  const std::string text =
      "1 of 20 hit(s) failed: 5.0 % (exact 95 % interval 0.1 % to 24.9 %); 1 missed";
  EXPECT_THAT(to_markdown(many), HasSubstr("- s/a_to_b/kill/cp-1: " + text));
  EXPECT_THAT(to_html(many, no_events), HasSubstr("<p>" + text + "</p>"));
  const Json rate = many.to_json()["cases"][1]["rate"];
  EXPECT_EQ(rate["failures"], 1);
  EXPECT_EQ(rate["hits"], 20);
  EXPECT_NEAR(rate["interval_95"][1].get<double>(), 0.2487, 5e-5);
  EXPECT_FALSE(many.to_json()["cases"][0].contains("rate")) << "one hit";
  EXPECT_THAT(to_markdown(model()), Not(HasSubstr("How often")));
}

TEST(Repeat, names_the_files_that_the_run_was_given) {
  const Model model{
      .cluster = "lab-a", .suites = {"/tmp/it's.yaml"}, .inventory_path = "inventories/demo.yaml"};
  EXPECT_EQ(repeat_command(model, "s/a_to_b/none/cp-1"),
            "hookshot run '/tmp/it'\\''s.yaml' -i 'inventories/demo.yaml' --filter "
            "'s/a_to_b/none/cp-1' --seed 0");
}

TEST(Repeat, of_a_trial_that_was_aimed_fires_that_trial_again) {
  Model one = model();
  one.folder = "/r/20260101T000000Z-s-1";
  one.suites = {"s.yaml"};
  CaseVerdict& failed = one.cases[1];
  check::TrialVerdict& trial = failed.trials[0];
  trial.trial = 3;
  trial.fault = "kill-pod";
  trial.window = "start-up-hooks";
  const std::string command =
      "hookshot run --replay '/r/20260101T000000Z-s-1:s/a_to_b/kill/cp-1:3' -i "
      "inventories/lab.yaml";
  const std::string of_the_case = "hookshot run 's.yaml' -i inventories/lab.yaml --filter";
  EXPECT_EQ(one.to_json()["cases"][1]["trials"][0]["repeat"], command);
  EXPECT_THAT(to_markdown(one), HasSubstr("again, this trial alone: `" + command + "`"));
  EXPECT_THAT(to_markdown(one), HasSubstr("\nAgain: `" + of_the_case));
  EXPECT_THAT(to_html(one, no_events), HasSubstr("<code>" + command + "</code>"));
  EXPECT_THAT(to_html(one, no_events), HasSubstr("<code>" + of_the_case));
  const auto repeat = [&] { return json_string(one.to_json()["cases"][1]["trials"][0], "repeat"); };
  one.folder = "/r:1/20260101T000000Z-s-1";
  EXPECT_THAT(repeat(), HasSubstr(of_the_case)) << "RUN would end at the colon";
  one.folder = "/r/20260101T000000Z-s-1";
  trial.fault = "none";
  EXPECT_THAT(repeat(), HasSubstr(of_the_case)) << "it was not aimed";
}

TEST(Repeat, is_the_command_of_a_run_that_no_suite_describes) {
  Model shrunk = model();
  shrunk.again = {"hookshot", "shrink", "/r/a b:s/c:2", "-i", "lab.yaml", "--confirm", "2/3"};
  const std::string command = "hookshot shrink '/r/a b:s/c:2' -i lab.yaml --confirm 2/3";
  EXPECT_EQ(repeat_command(shrunk, "s/c"), command);
  EXPECT_THAT(to_markdown(shrunk), HasSubstr("Again: `" + command + "`"));
  EXPECT_THAT(to_markdown(shrunk), Not(HasSubstr("hookshot run")));
}

}  // namespace
}  // namespace harness::report
