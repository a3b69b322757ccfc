// A fault on w-1 while cp-1 is in its hooks: the clocks of the two differ, and are known to a
// point.
#include "harness/check/elsewhere.h"

#include <gmock/gmock.h>

#include "harness/check/sample_trial.h"

namespace harness::check {
namespace {

using testing::HasSubstr;

class Elsewhere : public testing::Test {
 protected:
  // cp-1 is in its hooks from 19 s to 22 s, by the controller's clock.
  Elsewhere() {
    sample_.events.front()["target"] = "w-1";
    sample_.events.front()["while"] = "cp-1";
    sample_.restart();
    clock("cp-1", 2, 0, 2000);
    clock("w-1", 1, kAhead, 3000);
  }

  static constexpr std::int64_t kAhead = 5'000'000;

  void clock(const char* node, double at, std::int64_t offset, std::int64_t error) {
    sample_.add(at,
                {{"type", "node.facts"},
                 {"node", node},
                 {"boot_id", node == std::string("cp-1") ? "b1" : "b2"},
                 {"clock_offset_us", offset},
                 {"clock_error_us", error}});
  }

  void hooks(double from, double to, bool cut = false) {
    sample_.window(from, "opened", SampleTrial::kNew);
    sample_.window(to, "closed", SampleTrial::kNew, cut);
  }

  // The effect on w-1, by the controller's clock.
  Hit hit(double effect) {
    sample_.record(effect, "of-w-1");
    Json& record = sample_.events.back();
    record["node"] = "w-1";
    record["boot_id"] = "b2";
    record["effect"] = {{"wall_us", SampleTrial::us(effect) + kAhead}, {"mono_us", 77}};
    sample_.finish();
    facts_ = sample_.facts();
    return find_hit(facts_);
  }

  SampleTrial sample_{"kill-kubelet"};
  TrialFacts facts_;
};

TEST_F(Elsewhere, hits_what_is_inside_with_the_uncertainty_taken_off) {
  hooks(19, 22);
  const Hit found = hit(20.5);
  EXPECT_TRUE(found.hit) << found.reason;
  EXPECT_EQ(found.landed_us, 1'500'000);
  EXPECT_EQ(found.error_us, 5000);
  EXPECT_THAT(found.reason,
              HasSubstr("1500ms into start-up-hooks of cp-1, give or take 5ms of the two clocks"));
}

TEST_F(Elsewhere, counts_no_effect_that_may_lie_outside) {
  hooks(19, 22);
  const Hit late = hit(21.998);
  EXPECT_FALSE(late.hit) << late.reason;
  EXPECT_THAT(late.reason, HasSubstr("2ms before the end of start-up-hooks of cp-1"));
  EXPECT_THAT(late.reason, HasSubstr("may lie outside"));
}

TEST_F(Elsewhere, counts_none_that_may_have_come_before_the_opening) {
  hooks(19, 22);
  const Hit early = hit(19.004);
  EXPECT_FALSE(early.hit) << early.reason;
  EXPECT_THAT(early.reason, HasSubstr("4ms after the opening of start-up-hooks"));
}

TEST_F(Elsewhere, says_by_how_much_it_missed) {
  hooks(19, 22);
  const Hit after = hit(22.5);
  EXPECT_FALSE(after.hit);
  EXPECT_THAT(after.reason, HasSubstr("came 500ms after start-up-hooks of cp-1"));
}

TEST_F(Elsewhere, uses_the_clock_that_was_asked_nearest_to_the_effect) {
  hooks(19, 22);
  clock("w-1", 21, kAhead + 400'000, 1000);
  const Hit found = hit(20.5);
  EXPECT_TRUE(found.hit) << found.reason;
  EXPECT_EQ(found.landed_us, 1'100'000);
  EXPECT_EQ(found.error_us, 3000);
}

TEST_F(Elsewhere, proves_nothing_without_both_clocks) {
  hooks(19, 22);
  std::erase_if(sample_.events, [](const Json& event) {
    return event["type"] == "node.facts" && event["node"] == "w-1";
  });
  const Hit found = hit(20.5);
  EXPECT_FALSE(found.hit);
  EXPECT_THAT(found.reason, HasSubstr("the clocks of w-1 and cp-1 were never compared"));
}

TEST_F(Elsewhere, proves_nothing_by_a_window_that_was_not_seen_to_close) {
  sample_.window(19, "opened", SampleTrial::kNew);
  const Hit found = hit(20.5);
  EXPECT_FALSE(found.hit);
  EXPECT_THAT(found.reason, HasSubstr("was not seen to close"));
}

TEST_F(Elsewhere, ends_a_window_with_the_process_that_it_belonged_to) {
  sample_.window(19, "opened", SampleTrial::kNew);
  sample_.died(20, SampleTrial::kNew, "fatal words");
  sample_.window(25, "closed", SampleTrial::kNew, true);
  const Hit found = hit(20.5);
  EXPECT_FALSE(found.hit) << found.reason;
  EXPECT_THAT(found.reason, HasSubstr("500ms after start-up-hooks"));
}

TEST_F(Elsewhere, looks_at_no_window_of_the_target_itself) {
  const Hit found = hit(20.5);
  EXPECT_FALSE(found.hit);
  EXPECT_THAT(found.reason, HasSubstr("start-up-hooks of cp-1 was never seen to open"));
}

TEST_F(Elsewhere, takes_what_is_surely_after_the_closing_when_aimed_there) {
  hooks(19, 22);
  sample_.events.front()["where"] = "after";
  EXPECT_TRUE(hit(22.2).hit);
}

TEST_F(Elsewhere, doubts_what_is_perhaps_after_the_closing) {
  hooks(19, 22);
  sample_.events.front()["where"] = "after";
  const Hit found = hit(22.003);
  EXPECT_FALSE(found.hit) << found.reason;
}

TEST_F(Elsewhere, takes_nothing_for_just_after_the_closing_that_came_long_after_it) {
  hooks(19, 22);
  sample_.events.front()["where"] = "after";
  sample_.events.front()["distance_us"] = 100'000;
  const Hit found = hit(25);
  EXPECT_FALSE(found.hit);
  EXPECT_THAT(found.reason, HasSubstr("further off than 455ms"));
}

TEST_F(Elsewhere, is_told_in_the_verdict) {
  hooks(19, 22);
  static_cast<void>(hit(20.5));
  const TrialVerdict verdict = judge_trial(facts_);
  const Json json = verdict.to_json();
  EXPECT_EQ(json["while"], "cp-1");
  EXPECT_EQ(json["landed_us"], 1'500'000);
  EXPECT_EQ(json["landed_error_us"], 5000);
  EXPECT_EQ(trial_verdict_from_json(json).value().seen_on, "cp-1");
}

// The trigger's moment is at 20.1 s; the command began 20 ms later, and off was seen at 20.3 s.
class PowerFact : public testing::Test {
 protected:
  Hit hit() {
    sample_.record(20.2, SampleTrial::kNew, {{"id", "h-1"}, {"evidence", evidence_}});
    sample_.add(41,
                {{"type", "power"},
                 {"node", "cp-1"},
                 {"id", "h-1"},
                 {"asked_node_us", SampleTrial::us(20.1)},
                 {"begun_node_us", SampleTrial::us(20.12)},
                 {"gone_node_us", SampleTrial::us(20.3)},
                 {"summary", "off was seen"}});
    sample_.finish();
    facts_ = sample_.facts();
    return find_hit(facts_);
  }

  SampleTrial sample_{"reboot"};
  Json evidence_ = {{"summary", "it went"}, {"how", "power"}, {"boot_id_before", "b1"}};
  TrialFacts facts_;
};

TEST_F(PowerFact, has_the_controllers_times_on_the_nodes_clock) {
  sample_.window(19, "opened", SampleTrial::kNew);
  sample_.window(22, "closed", SampleTrial::kNew);
  const Hit found = hit();
  EXPECT_TRUE(found.hit) << found.reason;
  EXPECT_NEAR(facts_.fault_fact->begun_mono_us, SampleTrial::mono(20.12), 1);
  EXPECT_NEAR(facts_.fault_fact->effect_mono_us, SampleTrial::mono(20.3), 1);
  EXPECT_EQ(facts_.fault_fact->summary, "it went; off was seen");
}

TEST_F(PowerFact, misses_a_window_that_closed_before_the_power_was_seen_off) {
  sample_.window(19, "opened", SampleTrial::kNew);
  sample_.window(20.2, "closed", SampleTrial::kNew);
  EXPECT_FALSE(hit().hit) << "the node was up to say that it closed";
}

TEST_F(PowerFact, is_no_hit_after_a_shutdown_in_order) {
  evidence_["disproof"] = "it was not cut";
  sample_.window(19, "opened", SampleTrial::kNew);
  sample_.window(22, "closed", SampleTrial::kNew);
  const Hit found = hit();
  EXPECT_FALSE(found.hit);
  EXPECT_EQ(found.reason, "it was not cut");
}

}  // namespace
}  // namespace harness::check
