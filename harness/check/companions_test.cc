#include <gmock/gmock.h>

#include "harness/check/explain.h"
#include "harness/check/judge.h"
#include "harness/check/sample_trial.h"

namespace harness::check {
namespace {

using testing::HasSubstr;

constexpr const char* kNew = SampleTrial::kNew;

// etcd is killed at 20 s, kube-apiserver as the second fault at 22 s, both in the hooks' window.
class Companions : public testing::Test {
 protected:
  Companions() {
    trial_.events[0]["companions"] = Json::array({{{"record", "h-1-b"},
                                                   {"fault", "kill-pod"},
                                                   {"params", {{"pod", "kube-apiserver"}}},
                                                   {"window", "start-up-hooks"},
                                                   {"aim", "+2s"},
                                                   {"where", "inside"},
                                                   {"original_us", 2'990'000},
                                                   {"target", "cp-1"}}});
    trial_.restart();
    trial_.window(19, "opened", kNew);
    trial_.window(25, "closed", kNew);
  }

  void both() {
    trial_.record(20, kNew, {{"id", "h-1"}});
    trial_.record(
        22, kNew, {{"id", "h-1-b"}, {"evidence", {{"summary", "also"}, {"container", "api"}}}});
  }

  SampleTrial trial_{"kill-pod", "etcd"};
};

TEST_F(Companions, keep_their_own_record) {
  both();
  const TrialFacts facts = trial_.facts();
  ASSERT_EQ(facts.deeds().size(), 2U);
  EXPECT_EQ(facts.kill_of("cp-1", "etcd")->effect_mono_us, SampleTrial::mono(20));
  EXPECT_EQ(facts.kill_of("cp-1", "kube-apiserver")->effect_mono_us, SampleTrial::mono(22));
  EXPECT_EQ(facts.reference_us("cp-1"), SampleTrial::us(22)) << "recovery counts from the last";
}

TEST_F(Companions, make_a_hit_only_when_all_hit) {
  both();
  trial_.finish();
  const TrialVerdict verdict = judge_trial(trial_.facts());
  EXPECT_TRUE(verdict.hit) << verdict.hit_reason;
  ASSERT_EQ(verdict.companions.size(), 1U);
  EXPECT_EQ(verdict.companions[0].landed_us, 3'000'000);
  EXPECT_EQ(verdict.companions[0].original_us, 2'990'000) << "of the one that this replays";
  const auto again = trial_verdict_from_json(verdict.to_json());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->to_json(), verdict.to_json());
}

TEST_F(Companions, make_a_miss_of_the_trial_with_their_reason) {
  trial_.record(20, kNew, {{"id", "h-1"}});
  trial_.record(22,
                kNew,
                {{"id", "h-1-b"},
                 {"outcome", "missed"},
                 {"reason", "not armed in time"},
                 {"evidence", Json::object()}});
  trial_.finish();
  const TrialVerdict verdict = judge_trial(trial_.facts());
  EXPECT_FALSE(verdict.hit);
  EXPECT_FALSE(verdict.counts);
  EXPECT_THAT(verdict.hit_reason, HasSubstr("kill-pod on cp-1: missed: not armed in time"));
}

TEST_F(Companions, are_a_miss_while_nothing_is_known_of_them) {
  trial_.record(20, kNew, {{"id", "h-1"}});
  trial_.finish();
  EXPECT_FALSE(judge_trial(trial_.facts()).hit);
}

TEST_F(Companions, of_the_next_boot_belong_to_that_boot) {
  trial_.record(20, kNew, {{"id", "h-1"}});
  trial_.record(22, "2222", {{"id", "h-1-b"}, {"woken_in", "b-2"}});
  const TrialFacts facts = trial_.facts();
  const auto records = facts.records();
  EXPECT_EQ(records.at(0)->boot_id, "b1");
  EXPECT_EQ(records.at(1)->boot_id, "b2") << "written without dashes";
}

TEST_F(Companions, explain_an_exit_and_a_container_each) {
  both();
  trial_.container(20.1, "started", "etcd", "e2", "u-etcd");
  trial_.died(23, kNew, "no api");
  trial_.start(28, "2222");
  const TrialFacts facts = trial_.facts();
  EXPECT_EQ(fault_exits(facts).size(), 1U) << "two kills, one exit";
  EXPECT_EQ(exits_on(facts, "cp-1"), 1);
  const auto starts = explain_starts(facts, "cp-1");
  ASSERT_EQ(starts.size(), 2U);
  EXPECT_THAT(starts[1].by, HasSubstr("was killed under its hooks"));
}

TEST_F(Companions, do_not_explain_what_came_before_them) {
  trial_.record(20, kNew, {{"id", "h-1"}});
  trial_.record(22, kNew, {{"id", "h-1-b"}});
  trial_.died(19.5, kNew, "it was sick already");
  trial_.start(28, "2222");
  EXPECT_TRUE(explain_starts(trial_.facts(), "cp-1").at(1).by.empty());
}

}  // namespace
}  // namespace harness::check
