#include <gmock/gmock.h>

#include "harness/plan/sample_plan.h"

namespace harness::plan {
namespace {

constexpr const char* kFrom = "v1.30.12+rke2r1";
constexpr const char* kTo = "v1.30.13-rc2+rke2r1";

std::shared_ptr<const aim::Lengths> learned() {
  auto out = std::make_shared<aim::Lengths>();
  out->add({"cp-1", kFrom, kTo},
           {.window = "static-pod-sync", .length_us = 2'000'000, .since_us = {}});
  out->add({"cp-1", kFrom, kTo},
           {.window = "start-up-hooks",
            .length_us = 3'000'000,
            .since_us = {{"static-pod-sync", 5'000'000}}});
  return out;
}

std::string suite_with(const std::string& offsets) {
  return changed(kSuite, "[0%, 500ms]", offsets);
}

Result<Plan> plan_of(const std::string& offsets, std::shared_ptr<const aim::Lengths> lengths) {
  TRY_ASSIGN(const Suite suite, parse_suite(suite_with(offsets), "s.yaml", catalogue()), "suite");
  return make({suite}, lab(), packs(), {.lengths = std::move(lengths)});
}

const Case& case_of(const Plan& plan, const std::string& part) {
  const auto found = std::ranges::find_if(
      plan.cases, [&](const Case& cell) { return cell.name.find(part) != std::string::npos; });
  EXPECT_NE(found, plan.cases.end()) << part;
  return *found;
}

TEST(PlanAim, takes_a_percentage_of_the_learned_length) {
  const auto plan = plan_of("[50%]", learned());
  ASSERT_TRUE(plan) << plan.error().message();
  const Case& cell = case_of(*plan, "/static-pod-sync+50%/");
  EXPECT_EQ(cell.shot.aim, (aim::Aim{aim::Aim::Where::inside, Microseconds(1'000'000)}));
  EXPECT_EQ(cell.shot.anchor.offset, Microseconds(1'000'000));
  EXPECT_EQ(cell.shot.anchor.open, cell.window.open);
}

TEST(PlanAim, refuses_a_percentage_without_a_learned_length_with_its_place) {
  const auto plan = plan_of("[0%, 50%]", nullptr);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code(), ErrorCode::invalid_input);
  EXPECT_NE(plan.error().message().find("s.yaml:8:16: offset 50% needs the length of "
                                        "static-pod-sync on cp-1"),
            std::string::npos)
      << plan.error().message();
  EXPECT_NE(plan.error().message().find("hookshot windows learn --from v1.30.12+rke2r1"),
            std::string::npos);
  EXPECT_TRUE(plan_of("[0%, 500ms]", nullptr));
}

TEST(PlanAim, needs_no_length_where_the_aim_stays_open) {
  const Suite suite = *parse_suite(suite_with("[50%, sweep, -200ms]"), "s.yaml", catalogue());
  const auto plan = make({suite}, lab(), packs(), {.aimed = false});
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_FALSE(case_of(*plan, "/start-up-hooks+sweep/").sweep);
  EXPECT_TRUE(case_of(*plan, "/start-up-hooks+50%/").shot.anchor.open.empty());
}

TEST(PlanAim, needs_no_length_for_what_is_left_out) {
  const Suite suite = *parse_suite(suite_with("[0%, 50%]"), "s.yaml", catalogue());
  EXPECT_TRUE(make({suite}, lab(), packs(), {.filter = "*+0s*"}));
}

TEST(PlanAim, counts_back_from_an_earlier_marker) {
  const auto plan = plan_of("[-200ms]", learned());
  ASSERT_FALSE(plan) << "nothing opens before static-pod-sync";
  const Suite suite = *parse_suite(suite_with("[-200ms]"), "s.yaml", catalogue());
  const auto hooks =
      make({suite}, lab(), packs(), {.filter = "*start-up-hooks*", .lengths = learned()});
  ASSERT_TRUE(hooks) << hooks.error().message();
  const Case& cell = case_of(*hooks, "/start-up-hooks-200ms/");
  EXPECT_EQ(cell.shot.anchor.marker_of, "static-pod-sync");
  EXPECT_EQ(cell.shot.anchor.offset, Microseconds(4'800'000));
  EXPECT_EQ(cell.shot.anchor.close, cell.window.open);
}

TEST(PlanAim, sweeps_with_limits_and_a_default_resolution) {
  const auto plan = plan_of("[sweep]", learned());
  ASSERT_TRUE(plan) << plan.error().message();
  const Case& plain = case_of(*plan, "/start-up-hooks+sweep/");
  ASSERT_TRUE(plain.sweep);
  EXPECT_EQ(plain.sweep->length, Microseconds(3'000'000));
  EXPECT_EQ(plain.sweep->resolution, Microseconds(150'000));
  EXPECT_TRUE(plain.sweep->before);
  EXPECT_FALSE(case_of(*plan, "/static-pod-sync+sweep/").sweep->before);
  const auto limited =
      plan_of("[{sweep: {resolution: 50ms, count: 40, time: 2h, confidence: 95%}}]", learned());
  const Case& cell = case_of(*limited, "/start-up-hooks+sweep/");
  EXPECT_EQ(cell.sweep->resolution, Microseconds(50'000));
  EXPECT_EQ(cell.sweep->count, 40);
  EXPECT_DOUBLE_EQ(cell.sweep->confidence, 0.95);
}

TEST(PlanAim, names_what_is_wrong_with_a_sweep) {
  const auto why = [](const std::string& offsets) {
    const auto suite = parse_suite(suite_with(offsets), "s.yaml", catalogue());
    EXPECT_FALSE(suite) << offsets;
    return suite ? "" : suite.error().message();
  };
  EXPECT_NE(why("[{sweep: {resolutoin: 5ms}}]").find("s.yaml:8:21"), std::string::npos);
  EXPECT_NE(why("[{sweep: {confidence: 2}}]").find("must be a percentage between"),
            std::string::npos);
  EXPECT_NE(why("[{random: {}}]").find("is a sweep"), std::string::npos);
  EXPECT_NE(why("[soon]").find("'soon' is no offset"), std::string::npos);
}

// A reboot in static-pod-sync, and a kill in the hooks of the boot that it brings.
Result<Plan> plan_in_next_boot(const std::string& offset,
                               std::shared_ptr<const aim::Lengths> lengths,
                               const std::string& before = "") {
  std::string text = changed(suite_with("[0%]"), "none, {kill-pod: {pod: etcd}}", "reboot");
  text =
      changed(text, "static-pod-sync, start-up-hooks", "static-pod-sync") + "faults:\n" + before +
      "  - {fault: {kill-pod: {pod: etcd}}, window: start-up-hooks, boot: next, offset: " + offset +
      "}\n";
  TRY_ASSIGN(const Suite suite, parse_suite(text, "s.yaml", catalogue()), "suite");
  return make({suite}, lab(), packs(), {.lengths = std::move(lengths)});
}

std::shared_ptr<const aim::Lengths> learned_of_both() {
  auto out = std::make_shared<aim::Lengths>(*learned());
  out->add({"cp-1", kTo, kTo, true},
           {.window = "start-up-hooks",
            .length_us = 8'000'000,
            .since_us = {{"static-pod-sync", 20'000'000}}});
  return out;
}

TEST(NextBoot, takes_the_lengths_of_a_boot_of_the_second_version) {
  const auto plan = plan_in_next_boot("50%", learned_of_both());
  ASSERT_TRUE(plan) << plan.error().message();
  const Companion& inside = plan->cases.at(0).companions.at(0);
  EXPECT_EQ(inside.shot.aim, (aim::Aim{aim::Aim::Where::inside, Microseconds(4'000'000)}));
  const auto earlier = plan_in_next_boot("-200ms", learned_of_both());
  ASSERT_TRUE(earlier) << earlier.error().message();
  const aim::Anchor& anchor = earlier->cases.at(0).companions.at(0).shot.anchor;
  EXPECT_EQ(anchor.marker_of, "static-pod-sync");
  EXPECT_EQ(anchor.offset, Microseconds(19'800'000));
}

TEST(NextBoot, says_how_the_lengths_of_that_boot_are_learned) {
  for (const char* offset : {"50%", "-200ms"}) {
    const auto plan = plan_in_next_boot(offset, learned());
    ASSERT_FALSE(plan) << offset;
    EXPECT_THAT(plan.error().message(),
                testing::HasSubstr("`hookshot windows learn --from v1.30.13-rc2+rke2r1 --to "
                                   "v1.30.13-rc2+rke2r1 --reboot -i INVENTORY` learns"));
  }
}

TEST(NextBoot, is_not_stretched_by_what_ends_with_the_boot) {
  const auto plan = plan_in_next_boot(
      "50%", learned_of_both(), "  - {fault: slow-service, window: start-up-hooks}\n");
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->cases.at(0).companions.at(1).shot.aim.distance, Microseconds(4'000'000));
  for (const char* waits : {"boot: next", "after: previous"}) {
    const auto stretched = plan_in_next_boot(
        "50%",
        learned_of_both(),
        std::string("  - {fault: slow-service, window: start-up-hooks, ") + waits + "}\n");
    ASSERT_FALSE(stretched) << waits;
    EXPECT_THAT(stretched.error().message(), testing::HasSubstr("write a duration")) << waits;
  }
}

}  // namespace
}  // namespace harness::plan
