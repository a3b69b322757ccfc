#include "harness/run/replay.h"

#include <gmock/gmock.h>

namespace harness::run {
namespace {

using testing::HasSubstr;

TEST(ReplaySpec, reads_run_case_and_trial) {
  const auto whole = ReplaySpec::parse("results/latest");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->run, "results/latest");
  EXPECT_EQ(whole->case_name, "");
  const auto one = ReplaySpec::parse("r:s/a_to_b/kill-pod.etcd/w+0s/cp-1:3");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->case_name, "s/a_to_b/kill-pod.etcd/w+0s/cp-1");
  EXPECT_EQ(one->trial, 3);
  EXPECT_FALSE(ReplaySpec::parse("r:c:0"));
  EXPECT_FALSE(ReplaySpec::parse("r:c:99999999999"));
  EXPECT_FALSE(ReplaySpec::parse(""));
}

TEST(ReplaySpec, takes_a_trial_only_from_digits_after_the_last_colon) {
  const std::string name = "s/a_to_b/block-registry.reg.lab:5000/w+0s/cp-1";
  for (const int trial : {0, 3}) {
    const auto read =
        ReplaySpec::parse(ReplaySpec{.run = "/r/1", .case_name = name, .trial = trial}.text());
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->run, "/r/1");
    EXPECT_EQ(read->case_name, name);
    EXPECT_EQ(read->trial, trial);
  }
}

class Replays : public testing::Test {
 protected:
  void SetUp() override {
    const auto folder = RunFolder::create(testing::TempDir() + "replay", "s");
    ASSERT_TRUE(folder) << folder.error().message();
    folder_ = *folder;
    ASSERT_TRUE(folder_->write("run.json", R"({"suites": ["s.yaml"]})"));
    ASSERT_TRUE(folder_->write("plan.json", R"({"cases": [{"name": "c", "hits": 1}]})"));
    ASSERT_TRUE(folder_->write("events.jsonl", started("c", 1)));
    plan::Case cell;
    cell.name = "c";
    cell.fault = "kill-pod";
    cell.params = {{"pod", "etcd"}};
    cell.attempts = 9;
    plan_.cases.push_back(cell);
  }

  static std::string started(const std::string& name, int trial) {
    const Json event = {{"type", "trial.started"},
                        {"seq", 1},
                        {"at", "2026-01-01T00:00:00.000000Z"},
                        {"case", name},
                        {"trial", trial},
                        {"fault", "kill-pod"},
                        {"params", {{"pod", "etcd"}}},
                        {"window", "w"},
                        {"where", "before"},
                        {"distance_us", 2000},
                        {"anchor",
                         {{"marker_of", "v"},
                          {"open", {{{"log", "opens"}}}},
                          {"close", Json::array()},
                          {"offset_us", 77}}}};
    return event.dump() + "\n";
  }

  std::optional<RunFolder> folder_;
  plan::Plan plan_;
};

TEST_F(Replays, arm_the_recorded_anchors_again) {
  const auto plan = replay(*folder_, {.run = "r", .case_name = {}}, plan_);
  ASSERT_TRUE(plan) << plan.error().message();
  ASSERT_EQ(plan->cases.size(), 1U);
  const plan::Case& cell = plan->cases[0];
  ASSERT_EQ(cell.again.size(), 1U);
  EXPECT_EQ(cell.hits, 1);
  EXPECT_EQ(cell.attempts, 1);
  EXPECT_EQ(cell.again[0].anchor.marker_of, "v");
  EXPECT_EQ(cell.again[0].anchor.offset, Microseconds(77));
  EXPECT_EQ(aim::to_string(cell.again[0].aim), "-2ms");
  EXPECT_EQ(cell.again[0].replays, folder_->name() + ":c:1");
}

TEST_F(Replays, take_the_learned_length_and_further_anchors_from_the_recording) {
  ASSERT_TRUE(folder_->write(
      "events.jsonl",
      R"({"type":"trial.started","seq":1,"at":"2026-01-01T00:00:00.000000Z","case":"c","trial":1,)"
      R"("fault":"kill-pod","params":{"pod":"etcd"},"window":"w","where":"inside",)"
      R"("distance_us":500,"learned_us":3000,)"
      R"("anchor":{"marker_of":"w","open":[{"log":"opens"}],"close":[],"offset_us":500},)"
      R"("companions":[{"fault":"slow-service","window":"v","aim":"-1500us",)"
      R"("anchor":{"marker_of":"u","open":[{"log":"u opens"}],"close":[],"offset_us":9}}]})"
      "\n"));
  const auto changed = replay(*folder_, {.run = "r", .case_name = {}}, plan_);
  ASSERT_FALSE(changed);
  EXPECT_THAT(changed.error().message(),
              HasSubstr(":c:1 was shot with kill-pod pod=etcd and slow-service and would be with "
                        "kill-pod pod=etcd now"));
  plan_.cases[0].companions.push_back({.fault = "slow-service"});
  const auto plan = replay(*folder_, {.run = "r", .case_name = {}}, plan_);
  ASSERT_TRUE(plan) << plan.error().message();
  const plan::Case& cell = plan->cases[0];
  EXPECT_EQ(cell.again[0].learned_us, 3000);
  EXPECT_EQ(cell.again[0].companions.at(0).anchor.offset, Microseconds(9));
  EXPECT_EQ(aim::to_string(cell.companions[0].shot.aim), "-1500us");
  EXPECT_EQ(cell.companions[0].shot.anchor.marker_of, "u");
}

TEST_F(Replays, refuse_what_the_suite_makes_of_the_same_name_now) {
  for (const auto& [fault, params] : {std::pair("kill-pod", plan::Params{{"image", "etcd"}}),
                                      std::pair("freeze-pod", plan::Params{{"pod", "etcd"}})}) {
    plan_.cases[0].fault = fault;
    plan_.cases[0].params = params;
    const auto plan = replay(*folder_, {.run = "r", .case_name = {}}, plan_);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code(), ErrorCode::invalid_input);
    EXPECT_THAT(plan.error().message(),
                HasSubstr("its suite has changed: " + folder_->name() +
                          ":c:1 was shot with kill-pod pod=etcd and would be with " +
                          plan::FaultChoice{fault, params}.describe() +
                          " now; put back what its suite said then, or run the suite anew"));
  }
}

TEST_F(Replays, want_one_hit_where_nothing_was_proved_and_say_why_it_is_shot_again) {
  ASSERT_TRUE(folder_->write("events.jsonl", started("c", 1) + started("c", 2)));
  const auto plan = replay(*folder_, {.run = "r", .case_name = {}}, plan_);
  ASSERT_TRUE(plan) << plan.error().message();
  const plan::Case& cell = plan->cases[0];
  ASSERT_EQ(cell.again.size(), 2U);
  EXPECT_EQ(cell.hits, 1);
  EXPECT_EQ(cell.attempts, 2);
  EXPECT_EQ(cell.again[1].why,
            "shot again, though " + folder_->name() + ":c:2 proved nothing: the trial was cut off");
}

TEST_F(Replays, take_the_cases_that_the_filter_chooses_of_those_that_were_recorded) {
  ASSERT_TRUE(folder_->write("events.jsonl", started("c", 1) + started("gone", 1)));
  const auto plan = replay(*folder_, {.run = "r", .case_name = {}}, plan_, "c*");
  ASSERT_TRUE(plan) << plan.error().message();
  ASSERT_EQ(plan->cases.size(), 1U);
  EXPECT_EQ(plan->cases[0].name, "c");
  ASSERT_EQ(plan->excluded.size(), 1U);
  EXPECT_EQ(plan->excluded[0].name, "gone");
  EXPECT_EQ(plan->excluded[0].reason, "left out by --filter c*");
  const auto none = replay(*folder_, {.run = "r", .case_name = {}}, plan_, "d*");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(none.error().message(),
              HasSubstr("--filter d* takes none of the cases that " + folder_->name() +
                        " has trials of:\n  c\n  gone"));
}

TEST_F(Replays, say_what_is_not_there) {
  const auto none = replay(*folder_, {.run = "r", .case_name = "d"}, plan_);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message(), HasSubstr("has no trial of d; its report lists the cases"));
  const auto gone = replay(*folder_, {.run = "r", .case_name = {}}, {});
  ASSERT_FALSE(gone);
  EXPECT_THAT(gone.error().message(), HasSubstr("c is not planned any more"));
}

TEST_F(Replays, do_not_take_what_a_shrink_was_given_for_a_suite) {
  EXPECT_EQ(suites_of(*folder_).value(), std::vector<std::string>{"s.yaml"});
  ASSERT_TRUE(
      folder_->write("run.json", R"({"suites": [], "again": ["hookshot", "shrink", "r:c"]})"));
  const auto none = suites_of(*folder_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(none.error().message(), HasSubstr("ran no suite but `hookshot shrink r:c`"));
}

}  // namespace
}  // namespace harness::run
