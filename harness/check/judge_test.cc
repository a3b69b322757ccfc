#include "harness/check/judge.h"

#include <gmock/gmock.h>

#include "harness/check/sample_trial.h"

namespace harness::check {
namespace {

using testing::HasSubstr;

constexpr const char* kNew = SampleTrial::kNew;

class Hits : public testing::Test {
 protected:
  Hits() { trial_.restart(); }

  Hit window_and_effect(double opened, double closed, double effect) {
    trial_.window(opened, "opened", kNew);
    trial_.window(closed, "closed", kNew);
    trial_.record(effect, kNew);
    return find_hit(trial_.facts());
  }

  SampleTrial trial_{"kill-pod", "etcd"};
};

TEST_F(Hits, lie_inside_the_window) {
  const Hit hit = window_and_effect(19, 21, 20);
  EXPECT_TRUE(hit.hit) << hit.reason;
  EXPECT_EQ(hit.reason, "it was hurt");
}

TEST_F(Hits, are_not_before_it) {
  const Hit hit = window_and_effect(19, 21, 18.5);
  EXPECT_FALSE(hit.hit);
  EXPECT_EQ(hit.reason, "the effect came 500ms before the window start-up-hooks");
}

TEST_F(Hits, are_not_after_it) {
  const Hit hit = window_and_effect(19, 21, 21.25);
  EXPECT_FALSE(hit.hit);
  EXPECT_EQ(hit.reason, "the effect came 250ms after the window start-up-hooks");
}

TEST_F(Hits, may_lie_in_a_later_span_of_the_same_window) {
  trial_.window(15, "opened", kNew);
  trial_.window(16, "closed", kNew);
  EXPECT_TRUE(window_and_effect(19, 21, 20).hit);
}

TEST_F(Hits, are_not_in_another_invocation) {
  trial_.window(19, "opened", "2222");
  trial_.window(21, "closed", "2222");
  trial_.record(20, kNew);
  const Hit hit = find_hit(trial_.facts());
  EXPECT_FALSE(hit.hit);
  EXPECT_THAT(hit.reason, HasSubstr("in another invocation"));
}

TEST_F(Hits, are_proved_by_a_window_that_says_later_that_it_is_open) {
  trial_.window(19, "opened", kNew);
  trial_.record(20, kNew);
  trial_.log(19.5, kNew, "Kube API server is now running");
  trial_.log(20.5, "2222", "Kube API server is now running");
  trial_.log(20.5, kNew, "etcd is now running");
  EXPECT_FALSE(find_hit(trial_.facts()).hit) << "before it, of another start, no marker";
  trial_.log(20.5, kNew, "Kube API server is not there yet");
  const Hit hit = find_hit(trial_.facts());
  EXPECT_TRUE(hit.hit) << hit.reason;
  trial_.window(19.9, "closed", kNew);
  EXPECT_FALSE(find_hit(trial_.facts()).hit) << "its closing decides where it was seen";
}

TEST_F(Hits, need_a_window_that_was_seen) {
  trial_.record(20, kNew);
  EXPECT_THAT(find_hit(trial_.facts()).reason, HasSubstr("never seen to open"));
  trial_.window(19, "opened", kNew);
  const Hit open = find_hit(trial_.facts());
  EXPECT_FALSE(open.hit);
  EXPECT_THAT(open.reason, HasSubstr("was not seen to close"));
}

TEST_F(Hits, end_with_the_process_and_not_with_the_news_of_it) {
  trial_.window(19, "opened", kNew);
  trial_.died(19.5, kNew, "by itself");
  trial_.window(25, "closed", kNew, true);
  trial_.record(22, kNew);
  const Hit hit = find_hit(trial_.facts());
  EXPECT_FALSE(hit.hit) << "between the death and the next start nothing was open";
  EXPECT_THAT(hit.reason, HasSubstr("after the window"));
}

TEST_F(Hits, count_when_the_fault_itself_ended_the_process) {
  trial_.window(19, "opened", kNew);
  trial_.died(19.95, kNew, "EOF");
  trial_.window(25, "closed", kNew, true);
  trial_.record(20, kNew);  // the action began at 19.9
  EXPECT_TRUE(find_hit(trial_.facts()).hit);
}

TEST_F(Hits, need_evidence_and_an_end) {
  EXPECT_THAT(find_hit(trial_.facts()).reason, HasSubstr("no record"));
  trial_.record(20, kNew, {{"outcome", ""}});
  EXPECT_THAT(find_hit(trial_.facts()).reason, HasSubstr("never came to an end"));
  trial_.record(20, kNew, {{"outcome", "missed"}, {"reason", "the window closed after 3 us"}});
  EXPECT_EQ(find_hit(trial_.facts()).reason, "missed: the window closed after 3 us");
  trial_.record(20, kNew, {{"evidence", Json::object()}});
  EXPECT_THAT(find_hit(trial_.facts()).reason, HasSubstr("no evidence"));
}

TEST(RebootHit, is_inside_a_window_that_the_reboot_cut) {
  SampleTrial trial("reboot");
  trial.window(19, "opened", kNew);
  // The next boot's clock begins anew.
  trial.fact(30,
             {{"type", "window"},
              {"window", "start-up-hooks"},
              {"op", "closed"},
              {"invocation", kNew},
              {"cut", true}});
  trial.events.back()["mono_us"] = 5;
  trial.record(
      20,
      kNew,
      {{"boot_id", "b2"}, {"evidence", {{"summary", "boots"}, {"boot_id_before", "b-1"}}}});
  const Hit hit = find_hit(trial.facts());
  EXPECT_TRUE(hit.hit) << hit.reason;
}

TEST(Judge, leaves_the_planned_offset_out_of_the_latency) {
  SampleTrial trial("kill-pod", "etcd");
  trial.events[0]["offset_us"] = 60'000;
  trial.record(20, kNew);
  trial.finish();
  const TrialVerdict verdict = judge_trial(trial.facts());
  EXPECT_EQ(verdict.marker_to_action_us, 40'000);
  EXPECT_EQ(verdict.action_to_effect_us, 100'000);
}

TEST(Judge, tells_where_a_miss_was_aimed_and_the_window_that_it_missed) {
  SampleTrial trial("kill-pod", "etcd");
  trial.events[0]["where"] = "inside";
  trial.events[0]["distance_us"] = 2'000'000;
  trial.events[0]["learned_us"] = 3'000'000;
  trial.restart();
  trial.window(19, "opened", kNew);
  trial.window(20, "closed", kNew);
  trial.record(21,
               kNew,
               {{"outcome", "missed"},
                {"reason", "the window closed after 1000000 us"},
                {"begun", nullptr},
                {"effect", nullptr}});
  trial.finish();
  const TrialVerdict verdict = judge_trial(trial.facts());
  EXPECT_FALSE(verdict.hit);
  EXPECT_EQ(verdict.planned_us, 2'000'000);
  EXPECT_EQ(verdict.length_us, 1'000'000);
  EXPECT_EQ(verdict.learned_us, 3'000'000);
  EXPECT_EQ(verdict.landed_us, std::nullopt) << "nothing was done";
  EXPECT_FALSE(verdict.opened_at.empty());
  EXPECT_FALSE(verdict.closed_at.empty());
}

TEST(Judge, tells_where_a_fault_was_aimed_whose_window_never_opened) {
  SampleTrial trial("kill-pod", "etcd");
  trial.events[0]["where"] = "before";
  trial.events[0]["distance_us"] = 200'000;
  trial.record(
      21, kNew, {{"outcome", "expired"}, {"reason", "the lease ran out"}, {"effect", nullptr}});
  trial.finish();
  const TrialVerdict verdict = judge_trial(trial.facts());
  EXPECT_EQ(verdict.planned_us, -200'000);
  EXPECT_TRUE(verdict.opened_at.empty());
}

// Aimed 200 ms beside start-up-hooks, which lasts from 19 to 22; what became of it.
TrialVerdict aimed_beside(const char* where, double effect) {
  SampleTrial trial("kill-pod", "etcd");
  trial.events[0]["where"] = where;
  trial.events[0]["distance_us"] = 200'000;
  trial.restart();
  trial.window(19, "opened", kNew);
  trial.window(22, "closed", kNew);
  trial.record(effect, kNew);
  trial.finish();
  return judge_trial(trial.facts());
}

TEST(Judge, takes_what_fell_just_before_or_after_a_window_when_it_was_aimed_there) {
  const TrialVerdict before = aimed_beside("before", 18.7);
  EXPECT_TRUE(before.hit) << before.hit_reason;
  EXPECT_THAT(before.hit_reason, HasSubstr("before the opening of start-up-hooks"));
  EXPECT_FALSE(aimed_beside("before", 19.1).hit) << "inside";
  EXPECT_FALSE(aimed_beside("before", 22.1).hit);
  const TrialVerdict after = aimed_beside("after", 22.3);
  EXPECT_TRUE(after.hit) << after.hit_reason;
  EXPECT_THAT(after.hit_reason, HasSubstr("after the closing of start-up-hooks"));
  EXPECT_FALSE(aimed_beside("after", 21.9).hit) << "inside";
  EXPECT_FALSE(aimed_beside("after", 18.9).hit);
}

TEST(Judge, takes_nothing_for_just_beside_a_window_that_fell_far_from_it) {
  for (const auto& [where, effect] : {std::pair("before", 12.0), std::pair("after", 27.0)}) {
    const TrialVerdict verdict = aimed_beside(where, effect);
    EXPECT_FALSE(verdict.hit) << where;
    EXPECT_THAT(verdict.hit_reason, HasSubstr("further off than 650ms"));
  }
}

TEST(Judge, tells_the_faults_parameters_and_the_back_off_apart) {
  SampleTrial trial("kill-pod", "etcd");
  trial.restart();
  const auto hold = [&](double at, const char* pod, int seconds) {
    trial.fact(at, {{"type", "back-off"}, {"pod", pod}, {"container", pod}, {"seconds", seconds}});
  };
  hold(5, "etcd", 40);
  hold(21, "etcd", 10);
  hold(32, "etcd", 20);
  hold(33, "kube-scheduler", 10);
  trial.finish();
  const TrialVerdict verdict = judge_trial(trial.facts());
  EXPECT_EQ(verdict.back_off_s, 30) << "what was held back before the restart is not the trial's";
  EXPECT_EQ(verdict.params, (Json{{"pod", "etcd"}}));
}

TEST(Judge, never_calls_an_applied_miss_pass_or_fail) {
  SampleTrial trial("kill-pod", "etcd");
  trial.restart({{"job_result", "failed"}, {"exit_status", 1}});
  trial.window(19, "opened", kNew);
  trial.window(20, "closed", kNew);
  trial.died(20.1, kNew, "by itself");
  trial.record(21, kNew);
  trial.finish();
  const TrialVerdict verdict = judge_trial(trial.facts());
  EXPECT_EQ(verdict.verdict, Verdict::unproven);
  EXPECT_FALSE(verdict.counts);
  EXPECT_THAT(verdict.reason, HasSubstr("(not counted: "));
  EXPECT_THAT(fold({.name = "c"}, {verdict}).reason, HasSubstr("note: trial 1 miss: "));
}

TEST(Judge, counts_a_failure_without_any_fault_as_the_products_own) {
  SampleTrial trial("kill-pod", "etcd");
  trial.restart({{"job_result", "failed"}, {"exit_status", 1}});
  trial.died(20, kNew, "by itself");
  trial.record(21, kNew, {{"outcome", "missed"}, {"reason", "no such container"}});
  trial.finish();
  const TrialVerdict verdict = judge_trial(trial.facts());
  EXPECT_EQ(verdict.verdict, Verdict::fail);
  EXPECT_TRUE(verdict.counts);
  EXPECT_THAT(verdict.reason, HasSubstr("without any fault (missed: no such container): "));
}

TEST(Judge, calls_a_node_that_was_not_undone_no_failure_of_the_product) {
  SampleTrial trial;
  trial.restart({{"job_result", "failed"}, {"exit_status", 1}});
  trial.died(20, kNew, "by itself");
  trial.after({{"type", "state.clean"}, {"left", {"a rule"}}});
  trial.finish();
  const TrialVerdict verdict = judge_trial(trial.facts());
  EXPECT_EQ(verdict.verdict, Verdict::error);
  EXPECT_THAT(verdict.reason, HasSubstr("healed: cp-1 still has"));
}

TEST(Judge, calls_an_interrupted_trial_an_error_even_when_complete) {
  SampleTrial trial;
  trial.restart();
  trial.finish();
  trial.events.back()["interrupted"] = true;
  EXPECT_EQ(judge_trial(trial.facts()).reason, "interrupted");
}

TEST(Judge, calls_a_trial_that_did_not_end_an_error) {
  SampleTrial trial;
  EXPECT_EQ(judge_trial(trial.facts()).reason, "the trial was cut off");
  trial.finish(false);
  const TrialVerdict verdict = judge_trial(trial.facts());
  EXPECT_EQ(verdict.verdict, Verdict::error);
  EXPECT_EQ(verdict.reason, "the end");
  EXPECT_TRUE(verdict.checks.empty());
}

TEST(Judge, lets_missing_facts_count_for_nothing) {
  SampleTrial trial;
  trial.restart();
  trial.finish();
  const TrialVerdict verdict = judge_trial(trial.facts());
  EXPECT_EQ(verdict.verdict, Verdict::unproven) << verdict.reason;
  EXPECT_TRUE(verdict.hit);
  EXPECT_FALSE(verdict.counts) << "another attempt is worth it";
}

TEST(Judge, skips_what_a_node_cannot_do_and_says_why) {
  SampleTrial trial("slow-service");
  trial.restart();
  trial.record(
      20,
      kNew,
      {{"outcome", "unsupported"}, {"reason", "no cpu controller"}, {"evidence", Json::object()}});
  trial.finish();
  const TrialVerdict verdict = judge_trial(trial.facts());
  EXPECT_EQ(verdict.verdict, Verdict::skip);
  EXPECT_EQ(verdict.reason, "cp-1 cannot do it: no cpu controller");
  EXPECT_FALSE(verdict.counts);
  const CaseVerdict folded =
      fold({.name = "c", .expect = "pass", .issue = "", .hits = 1}, {verdict});
  EXPECT_EQ(folded.verdict, Verdict::skip);
  EXPECT_THAT(folded.reason, HasSubstr("no cpu controller"));
}

}  // namespace
}  // namespace harness::check
