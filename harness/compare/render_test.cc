#include "harness/compare/render.h"

#include <gmock/gmock.h>

#include "harness/compare/sample_cases.h"

namespace harness::compare {
namespace {

using testing::HasSubstr;
using testing::Not;

const report::Model kFirst{.run = "r1", .tool = "hookshot 1", .cluster = "lab"};
const report::Model kSecond{.run = "r2", .tool = "hookshot 1", .cluster = "lab"};

Comparison worse() {
  return compare({a_case(kOld, {{.passed = 6}}), a_case("s/1_to_2/none/w-1", {{.passed = 1}})},
                 {a_case(kNew, {{.passed = 1, .failed = 5, .alone = 2}})});
}

TEST(CompareMarkdown, says_the_verdict_first_and_leaves_nothing_out) {
  const std::string text = to_markdown(worse(), kFirst, kSecond);
  EXPECT_EQ(text.find("# worse\n"), 0U);
  EXPECT_THAT(text, HasSubstr("| 0 of 6 | 5 of 6 (and 2 without any fault) |"));
  EXPECT_THAT(text, HasSubstr("v1.30.12+rke2r1 to v1.30.13-rc1+rke2r1; v1.30.12+rke2r1 to "));
  EXPECT_THAT(text, HasSubstr("| 20.2 s | never |"));
  EXPECT_THAT(text, HasSubstr("Not compared:\n\n- first run: s/1_to_2/none/w-1: "));
  EXPECT_THAT(text, Not(HasSubstr("Keep in mind")));
}

TEST(CompareMarkdown, says_what_to_keep_in_mind) {
  report::Model other = kSecond;
  other.cluster = "lab-b";
  other.tool = "hookshot 2";
  other.standin = true;
  other.stopped_status = 124;
  const std::string text = to_markdown(worse(), kFirst, other);
  EXPECT_THAT(text, HasSubstr("different clusters"));
  EXPECT_THAT(text, HasSubstr("different versions of hookshot"));
  EXPECT_THAT(text, HasSubstr("this is a rehearsal"));
  EXPECT_THAT(text, HasSubstr("`r2` was stopped before its plan was done (exit status 124)"));
}

TEST(CompareMarkdown, lets_no_text_become_markup) {
  const std::string evil = "s/1_to_2/a|b\n# x<script>/cp-1";
  const std::string text = to_markdown(
      compare({a_case(evil, {{.passed = 6}})}, {a_case(evil, {{.passed = 6}})}), kFirst, kSecond);
  EXPECT_THAT(text, Not(HasSubstr("a|b")));
  EXPECT_THAT(text, Not(HasSubstr("\n# x")));
  EXPECT_THAT(text, Not(HasSubstr("<script>")));
}

TEST(CompareJson, has_every_figure) {
  const Json json = to_json(worse(), kFirst, kSecond);
  EXPECT_EQ(json["verdict"], "worse");
  EXPECT_EQ(json["exit_status"], 1);
  EXPECT_EQ(json["before"]["run"], "r1");
  const Json& pair = json["pairs"][0];
  EXPECT_EQ(pair["after"]["rate"]["failures"], 5);
  EXPECT_EQ(pair["after"]["rate"]["failed_without_fault"], 2);
  EXPECT_NEAR(pair["failures"]["p"].get<double>(), 2 * 6.0 / 792, 1e-9);
  EXPECT_TRUE(pair["after"]["median_recovery_s"].is_null()) << "it never came back";
  EXPECT_EQ(pair["after"]["recovery_s"].size(), 6U);
  EXPECT_EQ(pair["recovery"]["exact"], false);
  EXPECT_EQ(json["unpaired"][0]["run"], "before");
  EXPECT_EQ(*parse_json(json.dump()), json);
}

}  // namespace
}  // namespace harness::compare
