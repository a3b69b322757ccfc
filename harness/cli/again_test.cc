// What is done again from a recorded run: run --replay and shrink, as far as no node is needed.

#include "harness/cli/made_runs.h"

namespace harness::cli {
namespace {

const std::string kHop = "s/v1.30.12+rke2r1_to_v1.30.13-rc2+rke2r1";
const std::string kKill = kHop + "/kill-pod.kube-apiserver/start-up-hooks+0s/cp-1";
const std::string kSwept = kHop + "/kill-pod.kube-apiserver/start-up-hooks+sweep/cp-1";

class Again : public MadeRuns {
 protected:
  exec::CommandResult hookshot_on_lab(std::vector<std::string> words) {
    words.insert(words.end(), {"-i", inventory(), "--results", results() + "-again"});
    return hookshot(words);
  }

  // Of a sweep, with what a replay needs of it; its trials are aimed by a length.
  run::RunFolder swept(const MadeCase& made) {
    const std::string suite =
        file("sweep.yaml",
             "suite: s\nquestion: q\npaths:\n  - {versions: [v1.30.12+rke2r1, "
             "v1.30.13-rc2+rke2r1]}\nmatrix:\n  fault: [{kill-pod: {pod: kube-apiserver}}]\n"
             "  window: [start-up-hooks]\n  offset: [sweep]\n  target: [first-server]\n");
    const auto planned = hookshot({"plan", suite, "-i", inventory()});
    EXPECT_EQ(planned.exit_status, 2);
    EXPECT_THAT(planned.err, HasSubstr("has not been learned"));
    const run::RunFolder folder = ran({made});
    std::string events;
    EXPECT_TRUE(event::read_events(folder.events(), [&](Json event) {
      if (json_string(event, "type") == "trial.started") {
        event.update({{"where", "inside"}, {"distance_us", 250'000}, {"learned_us", 3'000'000}});
        event["anchor"] = {{"marker_of", "start-up-hooks"},
                           {"open", {{{"log", "Setting runtimes"}}}},
                           {"close", Json::array()},
                           {"offset_us", 250'000}};
      }
      events += event.dump() + "\n";
    }));
    EXPECT_TRUE(folder.write("events.jsonl", events));
    Json run = *folder.read("run.json");
    run["suites"] = {suite};
    EXPECT_TRUE(folder.write("run.json", run.dump()));
    return folder;
  }
};

// Its anchors are recorded: nothing that was learned is needed, and it goes on to what it would
// install.
TEST_F(Again, is_a_sweep_done_where_nothing_was_learned) {
  const std::string trial =
      swept({.name = kSwept, .failed = 1}).path().string() + ":" + kSwept + ":1";
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", "--replay", trial}, {"shrink", trial}}) {
    const auto again = hookshot_on_lab(words);
    EXPECT_THAT(again.err, HasSubstr("artifacts of v1.30.12+rke2r1")) << words[0];
    EXPECT_THAT(again.err, testing::Not(HasSubstr("has not been learned"))) << words[0];
  }
}

TEST_F(Again, are_those_recorded_cases_fired_that_the_filter_chooses) {
  const std::string folder = swept({.name = kSwept, .passed = 1}).path().string();
  const auto chosen = hookshot_on_lab({"run", "--replay", folder, "--filter", "*+sweep/*"});
  EXPECT_THAT(chosen.err, HasSubstr("artifacts of v1.30.12+rke2r1"));
  const auto none = hookshot_on_lab({"run", "--replay", folder, "--filter", "*+50%/*"});
  EXPECT_EQ(none.exit_status, 2);
  EXPECT_THAT(none.err, HasSubstr("--filter *+50%/* takes none of the cases"));
  EXPECT_THAT(none.err, HasSubstr(kSwept)) << "that is what there is";
}

TEST_F(Again, is_nothing_shrunk_that_did_not_fail) {
  const run::RunFolder folder = ran({{.name = kKill, .passed = 1, .failed = 2}});
  const std::string run = folder.path().string() + ":" + kKill;
  const auto passed = hookshot_on_lab({"shrink", run + ":1"});
  EXPECT_EQ(passed.exit_status, 2);
  EXPECT_THAT(passed.err,
              HasSubstr("trial 1 of " + kKill + " in " + folder.name() + " ended as pass: "));
  EXPECT_THAT(passed.err, HasSubstr("name one that hit and failed: 2, 3"));
  const auto absent = hookshot_on_lab({"shrink", run + ":4"});
  EXPECT_EQ(absent.exit_status, 2);
  EXPECT_THAT(absent.err, HasSubstr(" is not there; name one that hit and failed: 2, 3"));
  const auto sound = hookshot_on_lab(
      {"shrink", ran({{.name = kKill, .passed = 1}}).path().string() + ":" + kKill + ":1"});
  EXPECT_EQ(sound.exit_status, 2);
  EXPECT_THAT(sound.err, HasSubstr("has no trial that hit and failed"));
}

}  // namespace
}  // namespace harness::cli
