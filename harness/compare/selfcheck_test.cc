#include "harness/compare/selfcheck.h"

#include <gmock/gmock.h>

#include "harness/compare/sample_cases.h"

namespace harness::compare {
namespace {

using check::CaseVerdict;
using testing::HasSubstr;

const std::string kRed = "selfcheck/v1.30.11+rke2r1_to_v1.30.12+rke2r1/none/cp-1";

struct Came {
  Hits red{.failed = 6};
  Hits first{.passed = 6};
  Hits second{.passed = 6};
};

std::vector<CaseVerdict> cases_of(const Came& came) {
  return {
      a_case(kRed, {came.red}, "fail"), a_case(kOld, {came.first}), a_case(kNew, {came.second})};
}

std::vector<Held> held_of(const Selfcheck& check) {
  std::vector<Held> out;
  for (const Lane& lane : check.lanes) {
    out.push_back(lane.held);
  }
  return out;
}

using Lanes = std::vector<Held>;

TEST(Selfcheck, believes_a_harness_whose_three_lanes_held) {
  const Selfcheck check = selfcheck(cases_of({}));
  EXPECT_EQ(held_of(check), (Lanes{Held::yes, Held::yes, Held::yes}));
  EXPECT_EQ(exit_status(check, 0), 0);
  EXPECT_EQ(check.to_markdown().find("# The harness can be believed\n"), 0U);
  EXPECT_EQ(check.to_json()["believed"], true);
  EXPECT_EQ(check.to_json()["lanes"].size(), 3U);
}

TEST(Selfcheck, does_not_believe_one_that_misses_the_bug) {
  const Selfcheck check = selfcheck(cases_of({.red = {.passed = 6}}));
  EXPECT_EQ(held_of(check), (Lanes{Held::no, Held::yes, Held::yes}));
  EXPECT_THAT(check.lanes[0].came, HasSubstr("unexpected pass"));
  EXPECT_EQ(exit_status(check, 1), 1);
  EXPECT_THAT(check.to_markdown(), HasSubstr("cannot be believed"));
}

TEST(Selfcheck, wants_the_bug_for_its_own_reason) {
  auto cases = cases_of({});
  cases[0].verdict = check::Verdict::fail;
  cases[0].reason = "failed, but not for the reason expected";
  EXPECT_EQ(held_of(selfcheck(cases))[0], Held::no);
}

TEST(Selfcheck, does_not_believe_one_that_is_red_where_all_is_well) {
  const Selfcheck check = selfcheck(cases_of({.second = {.passed = 5, .failed = 1}}));
  EXPECT_EQ(check.lanes[1].held, Held::no);
  EXPECT_EQ(check.lanes[2].held, Held::unproven) << "one failure tells no difference";
  EXPECT_EQ(exit_status(check, 1), 1);
}

TEST(Selfcheck, does_not_believe_one_that_finds_a_difference_either_way) {
  EXPECT_EQ(held_of(selfcheck(cases_of({.first = {.failed = 6}}))),
            (Lanes{Held::yes, Held::yes, Held::no}));
  EXPECT_EQ(held_of(selfcheck(cases_of({.second = {.passed = 6, .recovery_s = 60}}))),
            (Lanes{Held::yes, Held::yes, Held::no}));
  EXPECT_EQ(held_of(selfcheck(cases_of({.first = {.passed = 6, .recovery_s = 60}}))),
            (Lanes{Held::yes, Held::yes, Held::no}));
}

TEST(Selfcheck, proves_nothing_with_a_lane_that_did_not_run) {
  const auto all = cases_of({});
  const Selfcheck none = selfcheck({});
  EXPECT_EQ(held_of(none), (Lanes{Held::unproven, Held::unproven, Held::unproven}));
  EXPECT_EQ(none.lanes[0].came, "it did not run");
  EXPECT_EQ(exit_status(none, 0), 4);
  EXPECT_EQ(held_of(selfcheck({all[0], all[2]})), (Lanes{Held::yes, Held::yes, Held::unproven}));
  EXPECT_EQ(selfcheck({all[0], all[2]}).lanes[2].came, "v1.30.13-rc1 did not run");
  EXPECT_EQ(held_of(selfcheck({all[1], all[2]})), (Lanes{Held::unproven, Held::yes, Held::yes}));
  const Selfcheck empty = selfcheck({a_case(kRed, {}, "fail"), all[1], a_case(kNew, {})});
  EXPECT_EQ(held_of(empty), (Lanes{Held::unproven, Held::unproven, Held::unproven}));
}

TEST(Selfcheck, wants_hits_enough_to_tell_the_candidates_apart) {
  const Selfcheck check =
      selfcheck(cases_of({.red = {.failed = 1}, .first = {.passed = 1}, .second = {.passed = 1}}));
  EXPECT_EQ(held_of(check), (Lanes{Held::yes, Held::yes, Held::unproven}));
  EXPECT_THAT(check.lanes[2].came, HasSubstr("about 6 hits in each run"));
  EXPECT_EQ(exit_status(check, 0), 4);
}

TEST(Selfcheck, ends_as_the_run_where_that_matters_more) {
  const Selfcheck good = selfcheck(cases_of({}));
  EXPECT_EQ(exit_status(good, 5), 5) << "a node is not healed";
  EXPECT_EQ(exit_status(good, 124), 124);
  EXPECT_EQ(exit_status(selfcheck({}), 130), 130);
  EXPECT_EQ(exit_status(selfcheck({}), 3), 3);
  EXPECT_EQ(exit_status(selfcheck(cases_of({.red = {.passed = 6}})), 3), 1);
}

}  // namespace
}  // namespace harness::compare
