// windows learn --run: the table that it prints, what it keeps and what it leaves out.

#include <iterator>
#include <sstream>

#include "harness/cli/made_runs.h"

namespace harness::cli {
namespace {

const std::string kHop = "s/v1.30.12+rke2r1_to_v1.30.13-rc2+rke2r1";
const std::string kStart = kHop + "/none/start-up-hooks+0s/cp-1";
const std::string kKill = kHop + "/kill-pod.kube-apiserver/start-up-hooks+0s/cp-1";

class Learning : public MadeRuns {
 protected:
  exec::CommandResult learn(const run::RunFolder& folder, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {
        "windows", "learn", "-i", inventory(), "--run", folder.path().string()};
    words.insert(words.end(), more.begin(), more.end());
    return hookshot(words);
  }

  std::filesystem::path kept() const { return directory_ / "inv.lengths.json"; }
};

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> line_of(const std::string& text, const std::string& first) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> found{std::istream_iterator<std::string>(words), {}};
    if (!found.empty() && found.front() == first) {
      return found;
    }
  }
  return {};
}

TEST_F(Learning, prints_each_window_with_its_figures_and_where_they_are_kept) {
  const auto learned =
      learn(ran({{.name = kStart, .passed = 3, .fault = "none", .longer_us = 500'000},
                 {.name = kKill, .passed = 1}}));
  ASSERT_EQ(learned.exit_status, 0) << learned.err;
  EXPECT_THAT(line_of(learned.out, "window"),
              testing::ElementsAre(
                  "window", "node", "n", "median", "spread", "shortest", "longest", "hop"));
  EXPECT_THAT(line_of(learned.out, "start-up-hooks"),
              testing::ElementsAre("start-up-hooks",
                                   "cp-1",
                                   "3",
                                   "1.5",
                                   "s",
                                   "500",
                                   "ms",
                                   "1.0",
                                   "s",
                                   "2.0",
                                   "s",
                                   "v1.30.12+rke2r1",
                                   "to",
                                   "v1.30.13-rc2+rke2r1"));
  EXPECT_THAT(learned.out,
              HasSubstr("3 start(s) learned, 1 trial(s) left out (the last: " + kKill +
                        " #1: it had a fault), kept in " + kept().string()));
  EXPECT_TRUE(std::filesystem::exists(kept()));
}

TEST_F(Learning, adds_to_what_it_knew_and_gives_all_of_it_as_json) {
  const auto first = learn(ran({{.name = kStart, .passed = 2, .fault = "none"}}));
  ASSERT_EQ(first.exit_status, 0) << first.err;
  const auto again = learn(ran({{.name = kStart, .passed = 1, .fault = "none"}}), {"--json"});
  ASSERT_EQ(again.exit_status, 0) << again.err;
  std::ifstream file(kept());
  EXPECT_EQ(json_of(again), Json::parse(file));
  const Json json = json_of(again);
  ASSERT_EQ(json["learned"].size(), 1U);
  EXPECT_EQ(json["learned"][0]["lengths_us"], Json({1'000'000, 1'000'000, 1'000'000}));
}

TEST_F(Learning, takes_each_trial_once) {
  const auto folder = ran({{.name = kStart, .passed = 2, .failed = 1, .fault = "none"}});
  ASSERT_EQ(learn(folder).exit_status, 0);
  const auto before = text_of(kept());
  const auto again = learn(folder);
  ASSERT_EQ(again.exit_status, 0) << again.err;
  EXPECT_EQ(again.out,
            folder.name() + ": learned before, from 2 trial(s); nothing is changed in " +
                kept().string() + "\n");
  EXPECT_EQ(text_of(kept()), before);
  const auto json = learn(folder, {"--json"});
  EXPECT_EQ(json_of(json), Json::parse(before));
  const auto more = learn(folder, {"--failed"});
  ASSERT_EQ(more.exit_status, 0) << more.err;
  EXPECT_THAT(more.out, HasSubstr("1 start(s) learned, 2 trial(s) were learned before, kept in"));
  EXPECT_EQ(Json::parse(text_of(kept()))["learned"][0]["lengths_us"].size(), 3U);
}

TEST_F(Learning, keeps_what_a_single_stretch_does_to_windows_apart) {
  const std::string freeze = kHop + "/freeze-pod.kube-apiserver/start-up-hooks+0s/cp-1";
  const auto learned = learn(
      ran({{.name = kStart, .passed = 1, .fault = "none"},
           {.name = freeze, .passed = 2, .missed = 1, .fault = "freeze-pod", .stretched = true}}));
  ASSERT_EQ(learned.exit_status, 0) << learned.err;
  EXPECT_THAT(learned.out,
              HasSubstr("under freeze-pod duration=15s pod=kube-apiserver in start-up-hooks+"));
  EXPECT_THAT(learned.out, HasSubstr("3 start(s) learned, 1 trial(s) left out"));
  EXPECT_THAT(learned.out, HasSubstr("what stretches did not hit"));
  const Json json = Json::parse(text_of(kept()));
  ASSERT_EQ(json["learned"].size(), 1U);
  EXPECT_EQ(json["learned"][0]["lengths_us"].size(), 1U);
  ASSERT_EQ(json["stretched"].size(), 1U);
  EXPECT_EQ(json["stretched"][0]["lengths_us"].size(), 2U);
  EXPECT_EQ(json["stretched"][0]["stretch"]["fault"], "freeze-pod duration=15s pod=kube-apiserver");
}

TEST_F(Learning, refuses_a_stretch_that_is_none) {
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"windows", "learn", "-i", inventory(), "--from"};
    words.insert(words.end(), {"v1.30.12+rke2r1", "--to", "v1.30.12+rke2r1", "--stretch"});
    words.insert(words.end(), more.begin(), more.end());
    return hookshot(words);
  };
  const auto kill = with({"kill-pod pod=etcd", "--in", "readyz"});
  EXPECT_EQ(kill.exit_status, 2);
  EXPECT_THAT(kill.err, HasSubstr("kill-pod makes no window longer; these do: delay-manifest, "));
  EXPECT_THAT(with({"slow-service percent=11", "--in", "readyz"}).err, HasSubstr("percent"));
  EXPECT_THAT(with({"slow-service", "--in", "readyz", "--offset", "sweep"}).err,
              HasSubstr("begins at one instant"));
  EXPECT_THAT(with({"slow-service", "--in", "no-such"}).err, HasSubstr("has no window 'no-such'"));
  EXPECT_EQ(with({"slow-service"}).exit_status, 2) << "in which window?";
}

TEST_F(Learning, leaves_failed_starts_out_unless_they_are_asked_for) {
  const auto folder = ran({{.name = kStart, .passed = 1, .failed = 2, .fault = "none"}});
  const auto passing = learn(folder);
  ASSERT_EQ(passing.exit_status, 0) << passing.err;
  EXPECT_THAT(passing.out, HasSubstr("1 start(s) learned, 2 trial(s) left out"));
  EXPECT_THAT(passing.out, HasSubstr("(--failed learns from a start that failed a check, too)"));
  std::filesystem::remove(kept());
  const auto both = learn(folder, {"--failed"});
  ASSERT_EQ(both.exit_status, 0) << both.err;
  EXPECT_THAT(both.out, HasSubstr("3 start(s) learned, kept in"));
}

TEST_F(Learning, keeps_nothing_of_a_run_that_teaches_nothing) {
  const auto none = learn(ran({{.name = kKill, .passed = 1}}));
  EXPECT_EQ(none.exit_status, 3);
  EXPECT_THAT(none.err, HasSubstr("nothing could be learned from it: " + kKill));
  EXPECT_EQ(none.out, "");
  EXPECT_FALSE(std::filesystem::exists(kept()));
  const auto neither = hookshot({"windows", "learn", "-i", inventory()});
  EXPECT_EQ(neither.exit_status, 2);
  EXPECT_THAT(neither.err, HasSubstr("--from and --to"));
}

}  // namespace
}  // namespace harness::cli
