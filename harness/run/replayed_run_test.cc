// Whole runs of which the trials are fired again.

#include "harness/run/replay.h"
#include "harness/run/whole_run.h"

namespace harness::run {
namespace {

using testing::HasSubstr;

class ReplayedRun : public WholeRun {
 protected:
  // Of three trials the first misses.
  void miss_every_third() {
    starts_ = 0;
    lab_.ahead_of_start = [this] {
      const bool misses = starts_++ % 3 == 0;
      lab_.falls = misses ? FakeCluster::Falls::nowhere : FakeCluster::Falls::inside;
    };
  }

  // What the newest run of that suite recorded.
  Result<plan::Plan> recorded(const std::string& suite) {
    TRY_ASSIGN(plan::Plan plan, planned_of(suite, {.aimed = false}), "plan");
    return replay(folder(), {.run = folder().path(), .case_name = {}}, std::move(plan));
  }

  int starts_ = 0;
};

TEST_F(ReplayedRun, passes_when_what_hit_hits_again_and_shoots_the_rest_all_the_same) {
  miss_every_third();
  const auto first = run(kKill);
  ASSERT_TRUE(first) << first.error().message();
  ASSERT_EQ(first->exit_status, 0) << first->summary;
  const std::string missed = folder().name() + ":" + json_string(verdict()["cases"][0], "name");
  const auto plan = recorded(kKill);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->cases[0].hits, 2) << "of three trials two hit";
  miss_every_third();
  const auto again = run(*plan);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->exit_status, 0) << again->summary;
  EXPECT_EQ(verdict()["cases"][0]["trials"].size(), 3U);
  const auto started = events("trial.started");
  ASSERT_EQ(started.size(), 3U);
  EXPECT_THAT(json_string(started[0], "why"),
              HasSubstr("though " + missed + ":1 proved nothing: miss"));
  EXPECT_FALSE(started[1].contains("why"));
}

TEST_F(ReplayedRun, shoots_all_of_it_in_turn_as_often_as_it_is_repeated) {
  miss_every_third();
  const auto first = run(kKill);
  ASSERT_TRUE(first) << first.error().message();
  const auto plan = recorded(kKill);
  ASSERT_TRUE(plan) << plan.error().message();
  options_.repeat = 2;
  miss_every_third();
  const auto again = run(*plan);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->exit_status, 0) << again->summary;
  const Json said = verdict();
  std::string replayed;
  for (const Json& trial : said["cases"][0]["trials"]) {
    replayed += json_string(trial, "replays").back();
  }
  EXPECT_EQ(replayed, "123123");
}

TEST_F(ReplayedRun, tells_where_the_further_faults_of_the_original_landed) {
  const std::string suite = plan::changed(kKill, "hits: 2", "hits: 1") +
                            "faults:\n"
                            "  - {fault: {kill-pod: {pod: etcd}}, window: "
                            "start-up-hooks}\n";
  const auto first = run(suite);
  ASSERT_TRUE(first) << first.error().message();
  const Json trial = verdict()["cases"][0]["trials"][0];
  const Json original = trial["companions"][0];
  ASSERT_TRUE(original.contains("landed_us")) << trial.dump(2);
  const auto plan = recorded(suite);
  ASSERT_TRUE(plan) << plan.error().message();
  const auto again = run(*plan);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(events("trial.started").at(0)["companions"][0]["original_us"], original["landed_us"]);
}

// The anchors are recorded, so a replay needs nothing learned; the report says how far it came from
// the original.
TEST_F(ReplayedRun, shoots_what_was_aimed_by_a_length_without_that_length) {
  const std::string suite =
      plan::changed(plan::changed(kKill, "[0%]", "[1%]"), "hits: 2", "hits: 1");
  EXPECT_FALSE(planned_of(suite, {})) << "nothing is learned";
  auto learned = std::make_shared<aim::Lengths>();
  learned->add({"cp-1", "v1.30.12+rke2r1", "v1.30.13-rc2+rke2r1"},
               {.window = "start-up-hooks", .length_us = 1000, .since_us = {}});
  const auto first = run(planned_of(suite, {.lengths = learned}).value());
  ASSERT_TRUE(first) << first.error().message();
  const Json original = verdict()["cases"][0]["trials"][0];
  const RunFolder folder_of_first = folder();
  const auto plan = replay(folder_of_first,
                           {.run = folder_of_first.path(), .case_name = {}},
                           planned_of(suite, {.aimed = false}).value());
  ASSERT_TRUE(plan) << plan.error().message();
  const auto again = run(*plan);
  ASSERT_TRUE(again) << again.error().message();
  const Json trial = verdict()["cases"][0]["trials"][0];
  EXPECT_EQ(trial["original_us"], original["landed_us"]) << trial.dump(2);
  EXPECT_EQ(trial["learned_us"], 1000);
  const std::string text = "from " + json_string(trial, "replays") + ", which landed at +";
  EXPECT_THAT(again->summary, HasSubstr(text)) << "the terminal at the end";
  EXPECT_THAT(this->text("report.md"), HasSubstr(text));
  EXPECT_THAT(this->text("report.html"), HasSubstr(text));
}

}  // namespace
}  // namespace harness::run
