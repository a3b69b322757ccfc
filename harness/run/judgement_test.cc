// Verdicts and reports of runs with more events than should be in memory at once.

#include "harness/run/judgement.h"

#include <fstream>
#include <iterator>
#include <map>

#include <gmock/gmock.h>
#include <unistd.h>

#include "harness/check/sample_trial.h"
#include "harness/run/counted_heap.h"

namespace harness::run {
namespace {

namespace fs = std::filesystem;

class Judgement : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }

  void TearDown() override { fs::remove_all(root_); }

  RunFolder ran(const std::vector<Json>& events, const std::string& tail = "") {
    const RunFolder folder = *RunFolder::create(root_, "s");
    const Json plan = {{"cases", {{{"name", "s/a"}, {"hits", 9}}, {{"name", "s/b"}, {"hits", 1}}}}};
    EXPECT_TRUE(folder.write("run.json", R"({"tool": "t", "seed": 7})"));
    EXPECT_TRUE(folder.write("plan.json", plan.dump()));
    std::string lines;
    for (const Json& event : events) {
      lines += event.dump() + "\n";
    }
    EXPECT_TRUE(folder.write("events.jsonl", lines + tail));
    return folder;
  }

  // Every third is well, every third's service dies, every third is cut short.
  static std::vector<Json> trial(const std::string& name, int number, double probed_until = 13) {
    check::SampleTrial out;
    out.restart();
    out.probes(11, probed_until, "readyz", "ok");
    if (number % 3 == 1) {
      out.died(25, out.kNew, "starting kubernetes: no");
    }
    out.finish(number % 3 != 2);
    for (Json& event : out.events) {
      event["case"] = name;
      event["trial"] = number;
    }
    return out.events;
  }

  static void add(std::vector<Json>& all, const std::vector<Json>& more) {
    all.insert(all.end(), more.begin(), more.end());
  }

  const fs::path root_ =
      fs::temp_directory_path() / ("hookshot-judgement-" + std::to_string(getpid()));
};

TEST_F(Judgement, of_many_trials_is_that_of_each_one_alone) {
  std::vector<Json> events;
  events.push_back({{"type", "run.started"}});
  std::map<std::string, std::map<int, std::vector<Json>>> alone;
  for (int number = 12; number > 0; --number) {
    add(events, alone["s/a"][number] = trial("s/a", number));
    events.push_back({{"type", "node.dirty"}, {"reason", std::to_string(number)}});
  }
  // Two of which the events came mixed, and a case that no plan knows.
  alone["s/b"] = {{3, trial("s/b", 3)}, {6, trial("s/b", 6)}};
  for (std::size_t i = 0; i < alone["s/b"][3].size(); ++i) {
    add(events, {alone["s/b"][6].at(i), alone["s/b"][3][i]});
  }
  add(events, trial("s/unplanned", 1));
  events.push_back({{"type", "run.finished"}, {"stopped", ""}, {"exit_status", 0}});
  const RunFolder folder = ran(events, R"({"type":"node.dirty","reas)");

  const auto model = judge(folder);
  ASSERT_TRUE(model) << model.error().message();
  ASSERT_EQ(model->cases.size(), 2U);
  for (const check::CaseVerdict& one : model->cases) {
    std::vector<check::TrialVerdict> verdicts;
    for (const auto& [number, of_trial] : alone.at(one.name)) {
      verdicts.push_back(check::judge_trial(check::gather(of_trial)));
    }
    const check::Planned planned{.name = one.name, .hits = one.name == "s/a" ? 9 : 1};
    EXPECT_EQ(one.to_json(), check::fold(planned, verdicts).to_json());
  }
  ASSERT_EQ(model->cases[0].trials.size(), 12U);
  EXPECT_EQ(model->cases[0].trials[0].trial, 1) << "by number, whatever came first";
  EXPECT_EQ(model->dirty.size(), 12U);

  ASSERT_TRUE(write_reports(folder, *model));
  std::ifstream html(folder.path() / "report.html");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(html), {}),
            report::to_html(*model, [&](const std::string& name, int number) {
              return alone.at(name).at(number);
            }));
}

TEST_F(Judgement, holds_the_events_of_one_trial_however_many_the_run_has) {
  constexpr int kMany = 8;
  std::vector<Json> events;
  for (int number = 1; number <= kMany; ++number) {
    add(events, trial("s/a", number, 60));
  }
  const RunFolder one = ran(trial("s/a", 1, 60));
  const RunFolder many = ran(events);
  const report::Model model_of_one = *judge(one);
  const report::Model model_of_many = *judge(many);
  ASSERT_EQ(model_of_many.cases[0].trials.size(), std::size_t{kMany});
  const auto judging = [](const RunFolder& folder) {
    return most_held([&] { EXPECT_TRUE(judge(folder)); });
  };
  const auto reporting = [](const RunFolder& folder, const report::Model& model) {
    return most_held([&] { EXPECT_TRUE(write_reports(folder, model)); });
  };
  EXPECT_LT(2 * judging(many), 3 * judging(one));
  EXPECT_LT(2 * reporting(many, model_of_many), 3 * reporting(one, model_of_one));
  EXPECT_GT(judging(one), fs::file_size(one.events())) << "or nothing was measured";
}

}  // namespace
}  // namespace harness::run
