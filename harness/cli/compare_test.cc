// compare as a pipeline meets it: run folders in, a verdict and an exit status out.

#include "harness/cli/made_runs.h"

namespace harness::cli {
namespace {

const std::string kKill = "/kill-pod.kube-apiserver/start-up-hooks+0s/cp-1";
const std::string kRc1 = "s/v1.30.12+rke2r1_to_v1.30.13-rc1+rke2r1" + kKill;
const std::string kRc2 = "s/v1.30.12+rke2r1_to_v1.30.13-rc2+rke2r1" + kKill;

class Comparing : public MadeRuns {
 protected:
  exec::CommandResult compare(const run::RunFolder& before,
                              const run::RunFolder& after,
                              std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"compare", before.path().string(), after.path().string()};
    words.insert(words.end(), more.begin(), more.end());
    return hookshot(words);
  }
};

TEST_F(Comparing, is_made_from_trials_that_the_judge_takes_for_whole) {
  const run::RunFolder made =
      ran({{.name = kRc1, .passed = 1}, {.name = kRc2, .failed = 1, .missed = 1}});
  const Json json = json_of(hookshot({"judge", "--json", made.path().string()}));
  ASSERT_EQ(json["cases"].size(), 2U);
  EXPECT_EQ(json["cases"][0]["verdict"], "pass") << json["cases"][0]["reason"];
  EXPECT_EQ(json["cases"][1]["trials"][0]["verdict"], "fail") << json["cases"][1].dump(2);
  EXPECT_EQ(json["cases"][1]["trials"][1]["verdict"], "unproven") << "the miss";
}

TEST_F(Comparing, exits_with_1_and_says_why_the_second_run_is_worse) {
  const run::RunFolder before = ran({{.name = kRc1, .passed = 6}});
  const run::RunFolder after = ran({{.name = kRc2, .failed = 6}});
  const auto people = compare(before, after);
  EXPECT_EQ(people.exit_status, 1) << people.err;
  EXPECT_EQ(people.out.find("# worse\n"), 0U);
  EXPECT_THAT(people.out, HasSubstr("0 of 6 hit(s) failed before, 6 of 6 after"));
  const auto pipeline = compare(before, after, {"--json"});
  EXPECT_EQ(pipeline.exit_status, 1);
  const Json json = json_of(pipeline);
  EXPECT_EQ(json["verdict"], "worse");
  EXPECT_EQ(json["pairs"][0]["before"]["case"], kRc1);
  EXPECT_EQ(json["pairs"][0]["after"]["rate"]["failures"], 6);
  EXPECT_EQ(json["pairs"][0]["paired_by"], "the same release before");
}

TEST_F(Comparing, exits_with_0_where_the_second_run_is_better_or_no_different) {
  const run::RunFolder bad = ran({{.name = kRc1, .failed = 6}});
  const run::RunFolder good = ran({{.name = kRc2, .passed = 6}});
  const run::RunFolder same = ran({{.name = kRc1, .passed = 6, .missed = 2}});
  const auto better = compare(bad, good);
  EXPECT_EQ(better.exit_status, 0) << better.err;
  EXPECT_THAT(better.out, HasSubstr("# better\n"));
  const auto equal = compare(same, good, {"--json"});
  EXPECT_EQ(equal.exit_status, 0) << equal.err;
  EXPECT_EQ(json_of(equal)["verdict"], "no difference");
  EXPECT_EQ(json_of(equal)["pairs"][0]["before"]["rate"]["missed"], 2);
}

TEST_F(Comparing, exits_with_4_where_too_few_trials_landed) {
  const run::RunFolder few = ran({{.name = kRc1, .passed = 2}});
  const run::RunFolder none = ran({{.name = kRc2, .missed = 3}});
  const auto undecided = compare(few, ran({{.name = kRc2, .passed = 2}}));
  EXPECT_EQ(undecided.exit_status, 4) << undecided.err;
  EXPECT_THAT(undecided.out, HasSubstr("about 6 hits in each run would decide"));
  const auto without = compare(few, none);
  EXPECT_EQ(without.exit_status, 4);
  EXPECT_THAT(without.out, HasSubstr("no hit in the second run"));
}

TEST_F(Comparing, judges_from_the_events_whatever_an_old_verdict_says) {
  const run::RunFolder before = ran({{.name = kRc1, .passed = 6}});
  const run::RunFolder after = ran({{.name = kRc2, .failed = 6}});
  ASSERT_TRUE(after.write("verdict.json", R"({"verdict": "pass", "cases": []})"));
  EXPECT_EQ(compare(before, after).exit_status, 1);
}

TEST_F(Comparing, takes_the_names_of_runs_in_the_results) {
  const run::RunFolder before = ran({{.name = kRc1, .passed = 1}});
  const run::RunFolder after = ran({{.name = kRc2, .passed = 1}});
  const auto by_name = hookshot({"compare", before.name(), "latest", "--results", results()});
  EXPECT_EQ(by_name.exit_status, 4) << by_name.err;
  EXPECT_THAT(by_name.out, HasSubstr(after.name()));
  const auto unknown = hookshot({"compare", "no-such-run", "latest", "--results", results()});
  EXPECT_EQ(unknown.exit_status, 2);
  EXPECT_THAT(unknown.err, HasSubstr("first run: no-such-run is no run folder, and "));
}

TEST_F(Comparing, refuses_runs_that_say_nothing_about_each_other) {
  const run::RunFolder one = ran({{.name = kRc1, .passed = 1}});
  const run::RunFolder going = ran({{.name = kRc1, .passed = 1}}, {.finished = false});
  const run::RunFolder rehearsal = ran({{.name = kRc1, .passed = 1}}, {.standin = true});
  for (const auto& [other, said] : {std::pair(one, "held against itself"),
                                    {going, "has not finished"},
                                    {rehearsal, "the lab's stand-in"}}) {
    const auto refused = compare(one, other);
    EXPECT_EQ(refused.exit_status, 2) << said;
    EXPECT_THAT(refused.err, HasSubstr(said));
  }
  EXPECT_EQ(hookshot({"compare", one.path().string()}).exit_status, 2);
}

TEST_F(Comparing, explains_itself_to_a_newcomer) {
  const auto help = hookshot({"compare", "--help"});
  EXPECT_EQ(help.exit_status, 0);
  for (const char* word :
       {"worse", "no difference", "too few trials", "Exit status", "--repeat 6"}) {
    EXPECT_THAT(help.out, HasSubstr(word));
  }
}

}  // namespace
}  // namespace harness::cli
