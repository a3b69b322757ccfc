// What a run leaves behind, and what is made of it: the folder, the events, the verdicts.

#include "harness/run/run_folder.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/event/slices.h"
#include "harness/run/judgement.h"
#include "harness/run/recorder.h"

namespace harness::run {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Folder : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }

  void TearDown() override { fs::remove_all(root_); }

  // A run of two cases of which events tell `events`.
  RunFolder ran(const std::vector<Json>& events) {
    const RunFolder folder = *RunFolder::create(root_, "s");
    const Json plan = {{"cases", {{{"name", "s/a"}, {"hits", 1}}, {{"name", "s/b"}, {"hits", 1}}}}};
    EXPECT_TRUE(folder.write("run.json", R"({"tool": "t", "seed": 7, "suites": ["s.yaml"]})"));
    EXPECT_TRUE(folder.write("plan.json", plan.dump()));
    const auto log = *event::EventLog::open(folder.events());
    for (Json event : events) {
      EXPECT_TRUE(log->append(event));
    }
    return folder;
  }

  static Json finished(const std::string& stopped, int status) {
    return {{"type", "run.finished"}, {"stopped", stopped}, {"exit_status", status}};
  }

  const fs::path root_ =
      fs::temp_directory_path() / ("hookshot-run-test-" + std::to_string(getpid()));
};

TEST_F(Folder, is_named_for_its_suites_and_linked_as_the_latest) {
  const RunFolder one = *RunFolder::create(root_, "smoke+demo");
  const RunFolder two = *RunFolder::create(root_, "../x y");
  EXPECT_THAT(one.name(), testing::ContainsRegex("^[0-9]{8}T[0-9]{6}Z-smoke.demo-[0-9a-f]{4}$"));
  EXPECT_THAT(two.name(), HasSubstr("-.._x_y-"));
  EXPECT_EQ(two.path().parent_path(), fs::absolute(root_));
  EXPECT_EQ(fs::read_symlink(root_ / "latest"), two.name());
  EXPECT_EQ(two.trial("s/a b", 2), two.path() / "cases/s_a_b/2");
}

TEST_F(Folder, is_written_whole_and_read_with_the_place_of_a_mistake) {
  const RunFolder folder = *RunFolder::create(root_, "s");
  ASSERT_TRUE(folder.write("plan.json", R"({"cases": []})"));
  EXPECT_TRUE(folder.read("plan.json")->contains("cases"));
  EXPECT_FALSE(fs::exists(folder.path() / ".plan.json.new"));
  ASSERT_TRUE(folder.write("plan.json", "{"));
  EXPECT_THAT(folder.read("plan.json").error().message(), HasSubstr("plan.json"));
  for (const char* other : {"[]", "5", "null"}) {
    ASSERT_TRUE(folder.write("plan.json", other));
    const auto damaged = folder.read("plan.json");
    ASSERT_FALSE(damaged) << other;
    EXPECT_EQ(damaged.error().code(), ErrorCode::invalid_input);
    EXPECT_THAT(damaged.error().message(), HasSubstr((folder.path() / "plan.json").string()));
  }
  const auto missing = folder.read("run.json");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::invalid_input);
}

TEST_F(Folder, opens_only_what_has_events) {
  const auto none = RunFolder::open(root_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(none.error().message(), HasSubstr("is no run folder"));
  const RunFolder folder = ran({});
  EXPECT_EQ(RunFolder::open(root_ / "latest")->name(), folder.name());
}

TEST_F(Folder, says_where_results_cannot_be_made) {
  std::ofstream(root_ / "file") << "x";
  const auto no = RunFolder::create(root_ / "file", "s");
  ASSERT_FALSE(no);
  EXPECT_EQ(no.error().code(), ErrorCode::invalid_input);
}

TEST_F(Folder, records_events_with_the_case_and_trial_they_belong_to) {
  const RunFolder folder = ran({});
  const auto log = *event::EventLog::open(folder.events());
  std::string shown;
  Progress progress({.write = [&](std::string_view text) { shown += text; }},
                    Progress::Style::plain);
  Recorder recorder(*log, progress);
  recorder.put({{"type", "run.started"}});
  recorder.begin_trial("s/a", 2);
  recorder.sink()({{"type", "trial.started"}});
  const std::vector<Json> kept = recorder.end_trial();
  recorder.put({{"type", "node.dirty"}, {"reason", "cp-1: left"}});
  ASSERT_TRUE(recorder.written());
  EXPECT_THAT(shown, HasSubstr("s/a trial 2"));
  EXPECT_EQ(*event::EventFile::open(folder.events())->read("s/a", 2), kept)
      << "what is judged at once is what the file holds";
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(judge(folder)->dirty, std::vector<std::string>{"cp-1: left"});
}

TEST_F(Folder, calls_what_a_stopped_run_did_not_reach_an_error) {
  for (const auto& [events, said] :
       {std::pair<std::vector<Json>, std::string>{{}, "not run: the run was cut off"},
        {{finished("the time limit passed", 124)}, "not run: the time limit passed"},
        {{finished("preflight: the cluster is sick", 0)}, "not run: preflight: the cluster"}}) {
    const report::Model model = *judge(ran(events));
    ASSERT_EQ(model.cases.size(), 2U);
    for (const check::CaseVerdict& one : model.cases) {
      EXPECT_EQ(one.verdict, check::Verdict::error);
      EXPECT_THAT(one.reason, HasSubstr(said));
    }
    EXPECT_NE(exit_status(model), 0);
  }
}

TEST_F(Folder, ends_with_the_status_of_what_stopped_it) {
  const auto status = [&](const std::vector<Json>& events) {
    return exit_status(*judge(ran(events)));
  };
  EXPECT_EQ(status({finished("the time limit passed", 124)}), 124);
  EXPECT_EQ(status({finished("it was interrupted", 130)}), 130);
  EXPECT_EQ(status({finished("it was interrupted", 143)}), 143);
  EXPECT_EQ(status({finished("the cluster is sick", 0)}), 3);
  EXPECT_EQ(status({}), 3) << "cut off";
  const Json dirty = {{"type", "node.dirty"}, {"reason", "cp-1"}};
  EXPECT_EQ(status({dirty}), 5);
  EXPECT_EQ(status({finished("", 0)}), 4) << "no trial and no reason: nothing is proven";
}

TEST_F(Folder, holds_every_report_that_was_asked_for) {
  const RunFolder folder = ran({finished("it was interrupted", 130)});
  const report::Model model = *judge(folder);
  ASSERT_TRUE(write_reports(folder, model, {.json = true, .html = false}));
  EXPECT_EQ((*folder.read("verdict.json"))["verdict"], "error");
  EXPECT_TRUE(fs::exists(folder.path() / "junit.xml"));
  EXPECT_TRUE(fs::exists(folder.path() / "report.md"));
  EXPECT_FALSE(fs::exists(folder.path() / "report.html"));
}

}  // namespace
}  // namespace harness::run
