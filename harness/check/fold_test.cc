#include <gmock/gmock.h>

#include "harness/check/judge.h"

namespace harness::check {
namespace {

using testing::HasSubstr;

TrialVerdict a_trial(int number, Verdict verdict, bool counts = true) {
  return {.trial = number, .verdict = verdict, .reason = "r", .hit = counts, .counts = counts};
}

TEST(Fold, wants_as_many_hits_as_asked) {
  const auto one = a_trial(1, Verdict::pass);
  EXPECT_EQ(fold({.name = "c", .expect = "pass", .issue = "", .hits = 1}, {one}).verdict,
            Verdict::pass);
  const CaseVerdict few = fold({.name = "c", .expect = "pass", .issue = "", .hits = 2},
                               {one, a_trial(2, Verdict::unproven, false)});
  EXPECT_EQ(few.verdict, Verdict::unproven);
  EXPECT_THAT(few.reason, HasSubstr("1 of 2 hit(s) in 2 trial(s); trial 2: r"));
}

TrialVerdict aimed(const char* aim, TrialVerdict trial) {
  trial.aim = aim;
  return trial;
}

// A sweep passed by the hits just before and just after its window alone.
TEST(Fold, takes_no_pass_beside_the_window_for_one_inside) {
  std::vector<TrialVerdict> trials = {aimed("+0s", a_trial(1, Verdict::unproven, false)),
                                      aimed("+500ms", a_trial(2, Verdict::unproven, false)),
                                      aimed("closed+3ms", a_trial(3, Verdict::pass))};
  const CaseVerdict missed = fold({.name = "c"}, trials);
  EXPECT_EQ(missed.verdict, Verdict::unproven);
  EXPECT_EQ(missed.reason,
            "0 of 1 hit(s) in 3 trial(s); 1 pass(es) beside the window not counted; trial 1: r");
  EXPECT_FALSE(enough(trials, {.name = "c"}));
  trials.push_back(aimed("+250ms", a_trial(4, Verdict::pass)));
  const CaseVerdict hit = fold({.name = "c"}, trials);
  EXPECT_EQ(hit.verdict, Verdict::pass);
  EXPECT_EQ(hit.reason,
            "1 of 4 trial(s) landed and passed; 1 pass(es) beside the window not counted");
  EXPECT_TRUE(enough(trials, {.name = "c"}));
}

TEST(Fold, keeps_a_failure_beside_the_window) {
  const std::vector<TrialVerdict> trials = {aimed("+0s", a_trial(1, Verdict::pass)),
                                            aimed("-20ms", a_trial(2, Verdict::fail))};
  EXPECT_EQ(fold({.name = "c"}, trials).verdict, Verdict::fail);
  const Planned race{.name = "c", .expect = "fail", .issue = "i"};
  EXPECT_EQ(fold(race, trials).verdict, Verdict::pass);
  EXPECT_TRUE(enough(trials, race));
}

TEST(Fold, takes_passes_beside_the_window_where_the_whole_case_was_aimed_there) {
  const std::vector<TrialVerdict> trials = {aimed("-20ms", a_trial(1, Verdict::unproven, false)),
                                            aimed("-20ms", a_trial(2, Verdict::pass))};
  EXPECT_EQ(fold({.name = "c"}, trials).verdict, Verdict::pass);
  EXPECT_TRUE(enough(trials, {.name = "c"}));
}

TEST(Fold, keeps_one_failure_among_passes) {
  const CaseVerdict one = fold({.name = "c", .expect = "pass", .issue = "", .hits = 1},
                               {a_trial(1, Verdict::fail), a_trial(2, Verdict::pass)});
  EXPECT_EQ(one.verdict, Verdict::fail);
}

TEST(Fold, tells_errors_and_skips_from_failures) {
  EXPECT_EQ(fold({.name = "c", .expect = "pass", .issue = "", .hits = 1},
                 {a_trial(1, Verdict::error, false)})
                .verdict,
            Verdict::error);
  EXPECT_EQ(fold({.name = "c", .expect = "pass", .issue = "", .hits = 1}, {}).verdict,
            Verdict::skip);
}

TEST(Fold, turns_an_expected_failure_into_a_pass_and_says_so) {
  const CaseVerdict one =
      fold({.name = "c", .expect = "fail", .issue = "rancher/rke2#8269", .hits = 1},
           {a_trial(1, Verdict::fail)});
  EXPECT_EQ(one.outcome, Verdict::fail);
  EXPECT_EQ(one.verdict, Verdict::pass);
  EXPECT_THAT(one.reason, HasSubstr("failed as expected (rancher/rke2#8269)"));
}

TEST(Fold, calls_an_unexpected_pass_a_failure) {
  const CaseVerdict one =
      fold({.name = "c", .expect = "fail", .issue = "rancher/rke2#8269", .hits = 1},
           {a_trial(1, Verdict::pass)});
  EXPECT_EQ(one.outcome, Verdict::pass);
  EXPECT_EQ(one.verdict, Verdict::fail);
  EXPECT_THAT(one.reason, HasSubstr("unexpected pass: rancher/rke2#8269"));
}

TEST(Fold, wants_the_failure_that_was_expected) {
  TrialVerdict trial = a_trial(1, Verdict::fail);
  trial.checks = {{"journal-clean", Verdict::fail, "cp-1 died: runtimes: no", {}}};
  const Json json = {
      {"name", "c"}, {"expect", "fail"}, {"issue", "i"}, {"because", {"journal-clean"}}};
  Planned planned = Planned::from_json(json);
  EXPECT_EQ(fold(planned, {trial}).verdict, Verdict::pass);
  planned.fatal = "runtimes: *";
  EXPECT_EQ(fold(planned, {trial}).verdict, Verdict::pass);
  planned.fatal = "clusterrole: *";
  EXPECT_EQ(fold(planned, {trial}).verdict, Verdict::fail);
  planned = Planned::from_json(json);
  planned.because = {"order-kept"};
  const CaseVerdict other = fold(planned, {trial});
  EXPECT_EQ(other.verdict, Verdict::fail);
  EXPECT_THAT(other.reason, HasSubstr("failed, but not for the reason expected (i: order-kept)"));
}

TEST(Fold, is_not_done_with_a_pass_where_a_race_should_fail) {
  const Planned planned{.name = "c", .expect = "fail", .issue = "i"};
  EXPECT_FALSE(enough({a_trial(1, Verdict::pass)}, planned));
  EXPECT_TRUE(enough({a_trial(1, Verdict::pass), a_trial(2, Verdict::fail)}, planned));
  EXPECT_TRUE(enough({a_trial(1, Verdict::pass)}, {.name = "c"}));
}

TEST(Fold, tells_a_hazard_of_a_case_that_passes) {
  TrialVerdict trial = a_trial(1, Verdict::pass);
  trial.checks = {{"order-kept", Verdict::pass, "hazard on cp-1: early", {}}};
  EXPECT_THAT(fold({.name = "c"}, {trial}).reason, HasSubstr("order-kept: hazard on cp-1"));
}

TEST(Fold, leaves_an_expected_failure_that_was_not_tried_unproven) {
  const CaseVerdict one = fold({.name = "c", .expect = "fail", .issue = "i", .hits = 1},
                               {a_trial(1, Verdict::unproven, false)});
  EXPECT_EQ(one.verdict, Verdict::unproven);
}

TEST(ExitStatus, lets_failure_beat_error_beat_unproven) {
  const auto with = [](const std::vector<Verdict>& verdicts, bool dirty = false) {
    std::vector<CaseVerdict> cases;
    for (const Verdict verdict : verdicts) {
      cases.push_back({.verdict = verdict});
    }
    return exit_status(cases, dirty);
  };
  EXPECT_EQ(with({Verdict::pass, Verdict::skip}), 0);
  EXPECT_EQ(with({Verdict::skip, Verdict::skip}), 4) << "nothing was tested";
  EXPECT_EQ(with({}), 0) << "an empty share";
  EXPECT_EQ(with({Verdict::pass, Verdict::unproven}), 4);
  EXPECT_EQ(with({Verdict::unproven, Verdict::error}), 3);
  EXPECT_EQ(with({Verdict::error, Verdict::unproven, Verdict::fail}), 1);
  EXPECT_EQ(with({Verdict::pass}, true), 5) << "a node that is not healed beats all";
  EXPECT_EQ(with({Verdict::fail}, true), 5);
}

TEST(VerdictJson, comes_back_as_it_went) {
  TrialVerdict trial = a_trial(3, Verdict::fail);
  trial.effect_at = "2026-01-01T00:00:00.000001Z";
  trial.marker_to_action_us = 7;
  trial.checks = {{"journal-clean", Verdict::fail, "died", 1.5}};
  trial.duration_s = 61.25;
  trial.back_off_s = 30;
  trial.params = {{"pod", "etcd"}};
  trial.by_reboot = true;
  const CaseVerdict one = fold({.name = "c", .expect = "fail", .issue = "i", .hits = 1}, {trial});
  const auto back = case_verdict_from_json(one.to_json());
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->to_json(), one.to_json());
  EXPECT_TRUE(back->trials.front().by_reboot);
}

TEST(VerdictJson, names_what_is_no_verdict) {
  const auto bad = case_verdict_from_json({{"name", "c"}, {"outcome", "good"}});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), ErrorCode::invalid_input);
  EXPECT_EQ(bad.error().message(), "c: outcome: 'good' is no verdict");
}

}  // namespace
}  // namespace harness::check
