// Percentages and sweeps in windows that another fault of the case stretches.

#include <algorithm>

#include <gmock/gmock.h>

#include "harness/plan/sample_plan.h"

namespace harness::plan {
namespace {

using testing::HasSubstr;
using testing::Not;

const aim::Where kNatural{"cp-1", "v1.30.12+rke2r1", "v1.30.13-rc2+rke2r1"};
const aim::Stretch kSlow{"slow-service percent=10", "runtime", "0s"};
constexpr const char* kBeside = "faults:\n  - {fault: slow-service, window: runtime}\n";

aim::Where under(const aim::Stretch& stretch) {
  aim::Where out = kNatural;
  out.stretch = stretch;
  return out;
}

std::shared_ptr<const aim::Lengths> learned(bool stretched) {
  auto out = std::make_shared<aim::Lengths>();
  for (const char* window : {"static-pod-sync", "start-up-hooks", "runtime"}) {
    out->add(kNatural, {.window = window, .length_us = 2'000'000, .since_us = {}});
    if (stretched) {
      out->add(under(kSlow), {.window = window, .length_us = 60'000'000, .since_us = {}});
    }
  }
  return out;
}

std::string suite_of(const std::string& offsets, const std::string& faults) {
  return changed(kSuite, "[0%, 500ms]", offsets) + faults;
}

Result<Plan> plan_of(const std::string& suite,
                     std::shared_ptr<const aim::Lengths> lengths,
                     const inventory::Inventory& inventory = lab()) {
  TRY_ASSIGN(const Suite read, parse_suite(suite, "s.yaml", catalogue()), "suite");
  return make({read}, inventory, packs(), {.lengths = std::move(lengths)});
}

const Case& harmful(const Plan& plan) {
  const auto found =
      std::ranges::find_if(plan.cases, [](const Case& cell) { return cell.fault != "none"; });
  EXPECT_NE(found, plan.cases.end());
  return *found;
}

std::string refusal(const Result<Plan>& plan) {
  EXPECT_FALSE(plan);
  return plan ? "" : plan.error().message();
}

TEST(UnderAStretch, a_percentage_is_one_of_the_stretched_length) {
  const auto plan = plan_of(suite_of("[50%]", kBeside), learned(true));
  ASSERT_TRUE(plan) << plan.error().message();
  const Case& cell = harmful(*plan);
  EXPECT_EQ(cell.shot.aim.distance, Microseconds(30'000'000));
  EXPECT_EQ(cell.shot.learned_us, 60'000'000);
}

TEST(UnderAStretch, a_sweep_covers_the_stretched_length) {
  const auto plan = plan_of(suite_of("[sweep]", kBeside), learned(true));
  ASSERT_TRUE(plan) << plan.error().message();
  ASSERT_TRUE(harmful(*plan).sweep);
  EXPECT_EQ(harmful(*plan).sweep->length, Microseconds(60'000'000));
}

TEST(UnderAStretch, what_was_learned_without_it_does_not_count) {
  for (const char* offsets : {"[50%]", "[sweep]", "[110%]"}) {
    EXPECT_THAT(refusal(plan_of(suite_of(offsets, kBeside), learned(false))),
                HasSubstr("under slow-service percent=10 in runtime+0s, which has not been "
                          "learned, and a natural length is none of it; `hookshot windows learn "
                          "--from v1.30.12+rke2r1 --to v1.30.13-rc2+rke2r1 -i INVENTORY "
                          "--stretch 'slow-service percent=10' --in runtime --offset=0s` "
                          "learns it"));
  }
  EXPECT_TRUE(plan_of(suite_of("[500ms]", kBeside), learned(false)));
  EXPECT_TRUE(plan_of(suite_of("[50%]", ""), learned(false)));
}

TEST(UnderAStretch, what_stretches_is_itself_aimed_by_natural_lengths) {
  const std::string faults = "faults:\n  - {fault: slow-service, window: runtime, offset: 25%}\n";
  const auto plan = plan_of(suite_of("[0%]", faults), learned(false));
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(harmful(*plan).companions.at(0).shot.aim.distance, Microseconds(500'000));
  const std::string first =
      changed(suite_of("[25%]", ""), "{kill-pod: {pod: etcd}}", "slow-service");
  const auto alone = plan_of(first, learned(false));
  ASSERT_TRUE(alone) << alone.error().message();
  EXPECT_EQ(harmful(*alone).shot.aim.distance, Microseconds(500'000));
}

TEST(UnderAStretch, a_further_fault_is_aimed_by_it_too) {
  const std::string suite =
      changed(suite_of("[0%]",
                       "faults:\n  - {fault: {kill-pod: {pod: etcd}}, window: start-up-hooks, "
                       "offset: 50%}\n"),
              "{kill-pod: {pod: etcd}}]\n  window: [static-pod-sync, start-up-hooks]",
              "slow-service]\n  window: [runtime]");
  EXPECT_THAT(refusal(plan_of(suite, learned(false))), HasSubstr("under slow-service percent=10"));
  const auto plan = plan_of(suite, learned(true));
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(harmful(*plan).companions.at(0).shot.aim.distance, Microseconds(30'000'000));
}

TEST(UnderAStretch, of_another_node_nothing_is_stretched) {
  const std::string suite = changed(
      suite_of("[50%]", "faults:\n  - {fault: slow-service, window: runtime, target: cp-2}\n"),
      "each-server",
      "cp-1");
  const auto plan = plan_of(suite, learned(false), lab(2));
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(harmful(*plan).shot.aim.distance, Microseconds(1'000'000));
}

TEST(UnderAStretch, that_cannot_be_learned_alone_no_command_is_named) {
  const std::string again = "  - {fault: slow-service, window: start-up-hooks, after: previous}\n";
  for (const auto& [faults, why] : {std::pair("faults:\n" + again, "not armed before the step"),
                                    std::pair(kBeside + again, "more than one fault")}) {
    const std::string said = refusal(plan_of(suite_of("[50%]", faults), learned(true)));
    EXPECT_THAT(said, HasSubstr(why));
    EXPECT_THAT(said, HasSubstr("write a duration"));
    EXPECT_THAT(said, Not(HasSubstr("windows learn")));
  }
}

}  // namespace
}  // namespace harness::plan
