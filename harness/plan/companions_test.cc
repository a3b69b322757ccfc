#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/plan/sample_plan.h"

namespace harness::plan {
namespace {

using testing::HasSubstr;

std::string with_faults(const std::string& faults) {
  return std::string(kSuite) + "faults:\n" + faults;
}

Result<Plan> plan_of(const std::string& faults, const inventory::Inventory& inventory = lab()) {
  TRY_ASSIGN(const Suite suite, parse_suite(with_faults(faults), "s.yaml", catalogue()), "suite");
  return make({suite}, inventory, packs(), {});
}

TEST(Companions, belong_to_every_case_with_a_fault) {
  const auto plan = plan_of(
      "  - {fault: {kill-pod: {pod: kube-apiserver}}, window: start-up-hooks, offset: 100ms, "
      "after: previous}\n");
  ASSERT_TRUE(plan) << plan.error().message();
  int with = 0;
  for (const Case& cell : plan->cases) {
    EXPECT_EQ(cell.companions.size(), cell.fault == "none" ? 0U : 1U) << cell.name;
    for (const Companion& one : cell.companions) {
      ++with;
      EXPECT_EQ(one.target, "cp-1");
      EXPECT_TRUE(one.after_previous);
      EXPECT_EQ(one.shot.anchor.offset, Microseconds(100'000));
      EXPECT_EQ(one.shot.anchor.open, one.window.open);
      EXPECT_FALSE(one.window.open.empty());
    }
  }
  EXPECT_EQ(with, 4);
  EXPECT_EQ(plan->cases[1].name,
            "s/v1.30.12+rke2r1_to_v1.30.13-rc2+rke2r1/kill-pod.etcd/static-pod-sync+0s/"
            "then.kill-pod.kube-apiserver.start-up-hooks+100ms/cp-1");
  EXPECT_EQ(plan->cases[1].to_json()["companions"][0]["after"], "previous");
}

TEST(Companions, may_fall_on_another_node) {
  const auto plan = plan_of("  - {fault: reboot, window: start-up-hooks, target: cp-2}\n", lab(2));
  ASSERT_TRUE(plan) << plan.error().message();
  for (const Case& cell : plan->cases) {
    if (cell.fault == "none") {
      continue;
    }
    EXPECT_EQ(cell.companions.at(0).target, "cp-2");
    EXPECT_THAT(cell.name,
                HasSubstr(cell.target == "cp-2" ? "with.reboot.start-up-hooks+0s/"
                                                : "with.reboot.start-up-hooks+0s.cp-2/"));
  }
}

TEST(Companions, leave_a_case_out_where_their_window_cannot_come) {
  const auto plan =
      plan_of("  - {fault: reboot, window: static-pod-sync, target: w-1}\n", lab(1, 1));
  ASSERT_TRUE(plan) << plan.error().message();
  for (const Case& cell : plan->cases) {
    EXPECT_EQ(cell.fault, "none") << cell.name;
  }
  EXPECT_TRUE(std::ranges::any_of(plan->excluded, [](const Excluded& one) {
    return one.reason == "w-1 is an agent, which has no window 'static-pod-sync'";
  }));
}

TEST(Companions, wait_for_the_next_boot_only_where_a_fault_before_them_reboots) {
  const auto plan = plan_of(
      "  - {fault: reboot, window: start-up-hooks}\n"
      "  - {fault: {kill-pod: {pod: etcd}}, window: static-pod-sync, boot: next}\n");
  ASSERT_TRUE(plan) << plan.error().message();
  const Companion& last = plan->cases[1].companions.at(1);
  EXPECT_TRUE(last.next_boot);
  EXPECT_THAT(plan->cases[1].name, HasSubstr("/next-boot.kill-pod.etcd.static-pod-sync+0s/cp-1"));
  const auto without =
      plan_of("  - {fault: {kill-pod: {pod: etcd}}, window: static-pod-sync, boot: next}\n");
  ASSERT_TRUE(without);
  EXPECT_EQ(without->cases.size(), 1U) << "only the case without a fault";
  EXPECT_TRUE(std::ranges::any_of(without->excluded, [](const Excluded& one) {
    return one.reason == "kill-pod in the next boot needs a fault before it that reboots cp-1";
  }));
}

TEST(ByReboot, names_the_case_and_leaves_out_what_cannot_be_had_then) {
  const std::string path = "v1.30.13-rc2+rke2r1]}";
  const auto plan_by_reboot = [&](const std::string& faults) -> Result<Plan> {
    const std::string text =
        changed(with_faults(faults), path, "v1.30.13-rc2+rke2r1], restart: reboot}");
    TRY_ASSIGN(const Suite suite, parse_suite(text, "s.yaml", catalogue()), "suite");
    return make({suite}, lab(2), packs(), {});
  };
  const auto plan = plan_by_reboot(
      "  - {fault: {kill-pod: {pod: kube-apiserver}}, window: start-up-hooks, after: previous}\n");
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->cases[0].name, "s/v1.30.12+rke2r1_to_v1.30.13-rc2+rke2r1/by-reboot/none/cp-1");
  EXPECT_TRUE(plan->cases[1].by_reboot);
  EXPECT_EQ(plan->cases[1].hop(), "v1.30.12+rke2r1 to v1.30.13-rc2+rke2r1 by reboot");
  EXPECT_EQ(plan->cases[1].to_json()["restart"], "reboot");
  for (const char* key : {"boot: next", "while: cp-2"}) {
    const auto without = plan_by_reboot(
        std::string("  - {fault: reboot, window: start-up-hooks}\n"
                    "  - {fault: {kill-pod: {pod: etcd}}, window: static-pod-sync, ") +
        key + "}\n");
    ASSERT_TRUE(without) << without.error().message();
    EXPECT_TRUE(std::ranges::all_of(without->cases, [](const Case& cell) {
      return cell.fault == "none";
    })) << key;
    EXPECT_TRUE(std::ranges::any_of(without->excluded, [](const Excluded& one) {
      return one.reason.starts_with("`restart: reboot` puts every window into the operator's boot");
    })) << key;
  }
}

TEST(ByReboot, is_a_key_with_two_values) {
  const std::string text =
      changed(std::string(kSuite), "v1.30.13-rc2+rke2r1]}", "v1.30.13-rc2+rke2r1], restart: boot}");
  const auto refused = parse_suite(text, "s.yaml", catalogue());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("s.yaml:4:"));
  EXPECT_THAT(refused.error().message(), HasSubstr("restart"));
}

TEST(Companions, are_refused_with_the_place_of_the_mistake) {
  const auto refused = [](const std::string& faults, const char* said) {
    const auto plan = plan_of(faults);
    ASSERT_FALSE(plan) << faults;
    EXPECT_EQ(plan.error().code(), ErrorCode::invalid_input);
    EXPECT_THAT(plan.error().message(), HasSubstr(said));
    EXPECT_THAT(plan.error().message(), HasSubstr("s.yaml:11:"));
  };
  refused("  - {fault: none, window: start-up-hooks}\n", "cannot be 'none'");
  refused("  - {window: start-up-hooks}\n", "needs the key 'fault'");
  refused("  - {fault: reboot}\n", "needs the key 'window'");
  refused("  - {fault: reboot, window: start-up-hook}\n", "has no window 'start-up-hook'");
  refused("  - {fault: reboot, window: start-up-hooks, target: cp-9}\n", "no node 'cp-9'");
  refused("  - {fault: reboot, window: start-up-hooks, offset: sweep}\n", "can be a sweep");
  refused("  - {fault: reboot, window: start-up-hooks, offset: 50%}\n", "windows learn");
  refused("  - {fault: reboot, window: start-up-hooks, after: dinner}\n", "after");
  refused("  - {fault: reboot, window: readyz, after: previous, boot: next}\n", "not in turn");
  refused("  - {fault: reboot, window: start-up-hooks, wen: 1}\n", "wen");
}

std::vector<std::string> reasons(const Plan& plan) {
  std::vector<std::string> out;
  std::ranges::transform(plan.excluded, std::back_inserter(out), &Excluded::reason);
  return out;
}

TEST(While, aims_a_further_fault_at_another_nodes_window) {
  const auto plan = plan_of(
      "  - {fault: {kill-pod: {pod: kube-apiserver}}, window: start-up-hooks, offset: 100ms, "
      "target: cp-2, while: first-server}\n",
      lab(2));
  ASSERT_TRUE(plan) << plan.error().message();
  const auto cell = std::ranges::find(plan->cases, std::string("kill-pod"), &Case::fault);
  ASSERT_NE(cell, plan->cases.end());
  const Companion& one = cell->companions.at(0);
  EXPECT_EQ(one.target, "cp-2");
  EXPECT_EQ(one.seen.node, "cp-1");
  EXPECT_EQ(one.shot.anchor.offset, Microseconds(100'000));
  EXPECT_THAT(cell->name, HasSubstr("/with.kill-pod.kube-apiserver.start-up-hooks.of.cp-1+100ms"));
  EXPECT_EQ(one.to_json()["while"], "cp-1");
}

TEST(While, is_a_key_of_the_matrix_too) {
  const auto suite = parse_suite(
      changed(kSuite, "target: [each-server]", "target: [each-agent]\n  while: first-server"),
      "s.yaml",
      catalogue());
  ASSERT_TRUE(suite) << suite.error().message();
  const auto plan = make({*suite}, lab(1, 1), packs(), {});
  ASSERT_TRUE(plan) << plan.error().message();
  const Case& cell = plan->cases.at(1);
  EXPECT_EQ(cell.target, "w-1");
  EXPECT_EQ(cell.seen.node, "cp-1");
  EXPECT_FALSE(cell.shot.anchor.open.empty()) << "a server's window, though the target is an agent";
  EXPECT_EQ(cell.name,
            "s/v1.30.12+rke2r1_to_v1.30.13-rc2+rke2r1/kill-pod.etcd/"
            "static-pod-sync.of.cp-1+0s/w-1");
  EXPECT_EQ(cell.to_json()["while"], "cp-1");
}

TEST(While, leaves_out_the_node_whose_window_it_is) {
  const auto suite =
      parse_suite(changed(kSuite, "target: [each-server]", "target: [each-server]\n  while: cp-1"),
                  "s.yaml",
                  catalogue());
  const auto plan = make({*suite}, lab(2), packs(), {});
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_TRUE(std::ranges::all_of(
      plan->cases, [](const Case& cell) { return cell.fault == "none" || cell.target == "cp-2"; }));
  EXPECT_EQ(
      std::ranges::count(
          plan->excluded, std::string("cp-1 is itself the node of `while`"), &Excluded::reason),
      4);
  const auto further =
      plan_of("  - {fault: reboot, window: start-up-hooks, target: cp-1, while: cp-1}\n");
  ASSERT_TRUE(further) << further.error().message();
  EXPECT_THAT(reasons(*further), testing::Contains(HasSubstr("leave `while` out")));
}

TEST(While, is_refused_with_the_place_of_the_mistake) {
  const auto error = [](const std::string& keys) {
    const auto plan =
        plan_of("  - {fault: reboot, window: start-up-hooks, " + keys + "}\n", lab(2));
    return plan ? std::string("planned") : plan.error().message();
  };
  EXPECT_THAT(error("while: cp-9"),
              HasSubstr("s.yaml:11:52: 'while': lab.yaml has no node 'cp-9'"));
  EXPECT_THAT(error("while: [cp-2]"),
              HasSubstr("s.yaml:11:52: 'while' must be one name"));
  EXPECT_THAT(error("while: cp-2, after: previous"),
              HasSubstr("s.yaml:11:5: what waits for another node's window"));
  EXPECT_THAT(error("while: cp-2, boot: next"),
              HasSubstr("s.yaml:11:5: what waits for another node's window"));
  EXPECT_THAT(error("offset: -200ms, target: cp-1, while: cp-2"),
              HasSubstr("s.yaml:11:53: offset -200ms lies before the window"));
  const auto sweep =
      parse_suite(changed(changed(kSuite, "target: [each-server]", "target: [cp-1]\n  while: cp-2"),
                          "offset: [0%, 500ms]",
                          "offset: [sweep]"),
                  "s.yaml",
                  catalogue());
  ASSERT_FALSE(sweep);
  EXPECT_THAT(sweep.error().message(), HasSubstr("a sweep needs a window of the target itself"));
}

TEST(PowerCut, is_planned_only_where_the_inventory_says_how) {
  inventory::Inventory inventory = lab();
  const auto suite = parse_suite(
      changed(kSuite, "{kill-pod: {pod: etcd}}", "{reboot: {how: power}}"), "s.yaml", catalogue());
  ASSERT_TRUE(suite) << suite.error().message();
  auto plan = make({*suite}, inventory, packs(), {});
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->cases.size(), 1U) << "the one without a fault";
  EXPECT_THAT(reasons(*plan), testing::Contains(HasSubstr("needs `power`, which lab.yaml")));
  inventory.power.emplace();
  plan = make({*suite}, inventory, packs(), {});
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_GT(plan->cases.size(), 1U);
}

TEST(Companions, take_one_window_and_one_target) {
  const auto plan = plan_of(
      "  - {fault: reboot, window: [start-up-hooks], target: [cp-2]}\n"
      "  - {fault: reboot, window: start-up-hooks, target: {a: b}}\n");
  ASSERT_FALSE(plan);
  for (const char* said : {"s.yaml:11:29: 'window' must be one name",
                           "s.yaml:11:55: 'target' must be one name",
                           "s.yaml:12:53: 'target' must be one name"}) {
    EXPECT_THAT(plan.error().message(), HasSubstr(said));
  }
}

}  // namespace
}  // namespace harness::plan
