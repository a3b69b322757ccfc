// selfcheck: its suite, and its judgement of a run that was made up.

#include <set>

#include "harness/cli/made_runs.h"

namespace harness::cli {
namespace {

const std::string kRed = "selfcheck/v1.30.11+rke2r1_to_v1.30.12+rke2r1/none/cp-1";
const std::string kKill = "/kill-pod.kube-apiserver/start-up-hooks+0s/cp-1";
const std::string kRc1 = "selfcheck/v1.30.12+rke2r1_to_v1.30.13-rc1+rke2r1" + kKill;
const std::string kRc2 = "selfcheck/v1.30.12+rke2r1_to_v1.30.13-rc2+rke2r1" + kKill;

class Selfchecking : public MadeRuns {
 protected:
  exec::CommandResult check(const std::vector<MadeCase>& cases) {
    return hookshot({"selfcheck", "--run", ran(cases).path().string(), "--json"});
  }
};

TEST_F(Selfchecking, plans_its_three_lanes) {
  const auto plan =
      hookshot({"plan", kSource + "/suites/selfcheck.yaml", "-i", inventory(), "--json"});
  ASSERT_EQ(plan.exit_status, 0) << plan.err;
  const Json json = json_of(plan);
  ASSERT_EQ(json["cases"].size(), 3U);
  std::set<std::string> names;
  for (const Json& cell : json["cases"]) {
    names.insert(cell["name"].get<std::string>());
    EXPECT_GE(cell["hits"], 6) << "less tells nothing apart: " << cell["name"];
  }
  EXPECT_EQ(names, (std::set<std::string>{kRed, kRc1, kRc2}));
  EXPECT_EQ(json["cases"][0]["expect"], "fail");
}

TEST_F(Selfchecking, believes_the_harness_when_all_lanes_held) {
  const auto good = check({{.name = kRed, .failed = 6, .expect = "fail", .fault = "none"},
                           {.name = kRc1, .passed = 6},
                           {.name = kRc2, .passed = 6}});
  EXPECT_EQ(good.exit_status, 0) << good.out << good.err;
  EXPECT_EQ(json_of(good)["believed"], true);
}

TEST_F(Selfchecking, does_not_believe_it_when_a_lane_came_out_otherwise) {
  const auto bad = check({{.name = kRed, .failed = 6, .expect = "fail", .fault = "none"},
                          {.name = kRc1, .passed = 6},
                          {.name = kRc2, .failed = 6}});
  EXPECT_EQ(bad.exit_status, 1) << bad.out << bad.err;
  const Json lanes = json_of(bad)["lanes"];
  ASSERT_EQ(lanes.size(), 3U);
  EXPECT_EQ(lanes[0]["held"], "yes");
  EXPECT_EQ(lanes[1]["held"], "no");
  EXPECT_EQ(lanes[2]["held"], "no");
}

TEST_F(Selfchecking, proves_nothing_without_the_lane_that_must_fail) {
  const auto half = check({{.name = kRc1, .passed = 6}, {.name = kRc2, .passed = 6}});
  EXPECT_EQ(half.exit_status, 4) << half.out << half.err;
  EXPECT_EQ(json_of(half)["lanes"][0]["came"], "it did not run");
}

TEST_F(Selfchecking, names_what_it_takes_before_it_touches_anything) {
  const auto bare = hookshot({"selfcheck"});
  EXPECT_EQ(bare.exit_status, 2);
  EXPECT_THAT(bare.err, HasSubstr("takes -i INVENTORY, or --run RUN"));
  const auto no_artifacts =
      hookshot({"selfcheck", "-i", inventory(), "--results", results(), "--hits", "2"});
  EXPECT_EQ(no_artifacts.exit_status, 2);
  EXPECT_THAT(no_artifacts.err, HasSubstr("artifacts of v1.30.11+rke2r1"));
  EXPECT_FALSE(std::filesystem::exists(results()));
}

}  // namespace
}  // namespace harness::cli
