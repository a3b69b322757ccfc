#include "harness/plan/plan.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "harness/plan/sample_plan.h"

namespace harness::plan {
namespace {

TEST(Plan, expands_the_matrix_in_a_stable_order_with_unique_names) {
  const Suite suite = *parse_suite(kSuite, "s.yaml", catalogue());
  const Plan plan = *make({suite}, lab(2), packs(), {});
  std::set<std::string> names;
  for (const Case& cell : plan.cases) {
    EXPECT_TRUE(names.insert(cell.name).second) << cell.name;
  }
  EXPECT_EQ(plan.cases.size(), 2U + 2U * 2U * 2U);
  EXPECT_EQ(plan.cases[0].name, "s/v1.30.12+rke2r1_to_v1.30.13-rc2+rke2r1/none/cp-1");
  EXPECT_EQ(plan.cases[2].name,
            "s/v1.30.12+rke2r1_to_v1.30.13-rc2+rke2r1/kill-pod.etcd/static-pod-sync+0s/cp-1");
  EXPECT_EQ(plan.to_json(), make({suite}, lab(2), packs(), {})->to_json());
}

TEST(Plan, draws_the_same_order_from_the_same_seed) {
  const Suite suite = *parse_suite(kSuite, "s.yaml", catalogue());
  const auto order = [&](std::uint64_t seed) {
    return make({suite}, lab(3), packs(), {.seed = seed, .shuffle = true})->to_json();
  };
  EXPECT_EQ(order(7), order(7));
  EXPECT_NE(order(7)["cases"], order(8)["cases"]);
}

TEST(Plan, takes_a_restart_in_place_as_a_path) {
  const std::string text = changed(kSuite, "v1.30.13-rc2+rke2r1]", "v1.30.12+rke2r1]");
  const Plan plan = *make({*parse_suite(text, "s.yaml", catalogue())}, lab(), packs(), {});
  ASSERT_FALSE(plan.cases.empty());
  EXPECT_EQ(plan.cases[0].name, "s/v1.30.12+rke2r1_to_v1.30.12+rke2r1/none/cp-1");
  EXPECT_EQ(plan.cases[0].from, plan.cases[0].to);
}

TEST(Plan, says_why_a_cell_is_left_out) {
  const std::string text =
      std::string(kSuite) +
      "exclude:\n  - {fault: none, window: \"*\", keep: one, reason: no window without fault}\n";
  const Plan plan = *make(
      {*parse_suite(text, "s.yaml", catalogue())}, lab(), packs(), {.filter = "*etcd*500ms*"});
  EXPECT_EQ(plan.cases.size(), 2U);
  ASSERT_EQ(plan.excluded.size(), 3U + 3U);
  std::set<std::string> reasons;
  for (const Excluded& cell : plan.excluded) {
    reasons.insert(cell.reason);
  }
  EXPECT_TRUE(reasons.contains("no window without fault"));
  EXPECT_TRUE(reasons.contains("left out by --filter *etcd*500ms*"));
}

TEST(Plan, names_the_place_of_unknown_windows_targets_and_lines) {
  const auto refused = [&](const std::string& from, const std::string& to) {
    const auto suite = parse_suite(changed(kSuite, from, to), "s.yaml", catalogue());
    EXPECT_TRUE(suite) << suite.error().message();
    const auto plan = make({*suite}, lab(), packs(), {});
    EXPECT_FALSE(plan);
    EXPECT_EQ(plan.error().code(), ErrorCode::invalid_input);
    return plan ? "" : plan.error().message();
  };
  EXPECT_NE(refused("static-pod-sync", "coffee-break")
                .find("s.yaml:7:12: v1.30.13-rc2+rke2r1 has no window 'coffee-break'"),
            std::string::npos);
  EXPECT_NE(
      refused("each-server", "cp-9").find("s.yaml:9:12: target 'cp-9' is no node of lab.yaml"),
      std::string::npos);
  EXPECT_NE(refused("v1.30.13-rc2", "v9.9.9")
                .find("s.yaml:4:34: no window pack holds for v9.9.9+rke2r1; there are packs for "
                      "1.28, 1.29, 1.30, 1.31, 1.32, 1.33, 1.34, 1.35"),
            std::string::npos);
  EXPECT_NE(refused("  window: [static-pod-sync, start-up-hooks]\n", "")
                .find("s.yaml:6:3: matrix needs the key 'window'"),
            std::string::npos);
}

TEST(Plan, reports_all_of_a_suites_mistakes_at_once) {
  std::string text = changed(kSuite, "start-up-hooks", "coffee-break");
  text = changed(text, "each-server", "cp-9");
  const auto plan = make({*parse_suite(text, "s.yaml", catalogue())}, lab(), packs(), {});
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message().find("s.yaml:7:29: "), std::string::npos);
  EXPECT_NE(plan.error().message().find("s.yaml:9:12: "), std::string::npos);
}

std::string reason_of(const Plan& plan, const std::string& part) {
  for (const Excluded& cell : plan.excluded) {
    if (cell.name.find(part) != std::string::npos) {
      return cell.reason;
    }
  }
  return "";
}

Plan plan_of(const std::string& windows, const inventory::Inventory& inventory) {
  std::string text = changed(kSuite, "static-pod-sync, start-up-hooks", windows);
  text = changed(text, "each-server", "all");
  const auto plan = make({*parse_suite(text, "s.yaml", catalogue())}, inventory, packs(), {});
  EXPECT_TRUE(plan) << plan.error().message();
  return plan.value_or(Plan());
}

// A server's window can never open on an agent, nor the reverse.
TEST(Plan, leaves_out_windows_of_the_other_role) {
  const Plan plan = plan_of("static-pod-sync, agent-start, runtime", lab(1, 1));
  EXPECT_EQ(reason_of(plan, "static-pod-sync+0s/w-1"),
            "w-1 is an agent, which has no window 'static-pod-sync'");
  EXPECT_EQ(reason_of(plan, "agent-start+0s/cp-1"),
            "cp-1 is a server, which has no window 'agent-start'");
  std::set<std::string> planned;
  for (const Case& cell : plan.cases) {
    planned.insert(cell.window.name + "/" + cell.target);
  }
  EXPECT_EQ(planned,
            (std::set<std::string>{"/cp-1",
                                   "/w-1",
                                   "static-pod-sync/cp-1",
                                   "agent-start/w-1",
                                   "runtime/cp-1",
                                   "runtime/w-1"}));
}

// A cell that cannot be does not use up `keep: one`.
TEST(Plan, keeps_one_cell_that_can_be) {
  const std::string text =
      changed(kSuite, "static-pod-sync", "network-policies") +
      "exclude:\n  - {fault: \"kill-pod*\", keep: one, reason: one is enough}\n";
  const Plan plan = *make({*parse_suite(text, "s.yaml", catalogue())}, lab(), packs(), {});
  ASSERT_EQ(plan.cases.size(), 2U);
  EXPECT_EQ(plan.cases[1].window.name, "start-up-hooks");
}

TEST(Plan, watches_a_node_with_the_windows_of_its_role) {
  const Plan plan = plan_of("agent-start", lab(2, 1));
  ASSERT_FALSE(plan.cases.empty());
  const Case& cell = plan.cases[0];
  EXPECT_EQ(cell.windows_on(true).size(), windows_for(packs(), cell.to, "server")->size());
  EXPECT_EQ(cell.windows_on(false).size(), windows_for(packs(), cell.to, "agent")->size());
  EXPECT_NE(cell.windows_on(true), cell.windows_on(false));
  const auto follows = [&](const char* node, const char* window) {
    const auto& windows = cell.followed_on(node, true);
    return std::ranges::find(windows, window, &event::WindowDef::name) != windows.end();
  };
  EXPECT_TRUE(follows("cp-1", "temporary-etcd"));
  EXPECT_FALSE(follows("cp-1", "remote-reconcile")) << "cp-1 began the cluster";
  EXPECT_TRUE(follows("cp-2", "remote-reconcile"));
}

TEST(Plan, leaves_out_windows_whose_condition_is_not_said_to_hold) {
  inventory::Inventory inventory = lab(2);
  const std::string windows = "network-policies, temporary-etcd, remote-reconcile";
  const Plan plan = plan_of(windows, inventory);
  EXPECT_EQ(reason_of(plan, "network-policies+0s/cp-1"),
            "window 'network-policies' comes only with 'profile: cis', which lab.yaml does not say "
            "of cp-1");
  EXPECT_EQ(reason_of(plan, "temporary-etcd+0s/cp-1"), "");
  EXPECT_NE(reason_of(plan, "temporary-etcd+0s/cp-2").find("'first server'"), std::string::npos);
  EXPECT_NE(reason_of(plan, "remote-reconcile+0s/cp-1").find("'joining server'"),
            std::string::npos);
  EXPECT_EQ(reason_of(plan, "remote-reconcile+0s/cp-2"), "");
  inventory.conditions = {"profile: cis"};
  EXPECT_EQ(reason_of(plan_of(windows, inventory), "network-policies+0s/cp-1"), "");
}

// What the suites of the tree take, whatever its parameters; cli_test plans them with the real
// ones.
Catalogue every_fault() {
  Catalogue out = catalogue();
  for (const char* name :
       {"freeze-kubelet", "kill-containerd", "kill-kubelet", "kill-service", "move-manifest"}) {
    out.faults[name] = {name, false, [](const Params& params) -> Result<Params> { return params; }};
  }
  return out;
}

TEST(SuiteFiles, in_the_tree_are_in_the_catalogue_and_plan) {
  std::ifstream readme(kSource + "/suites/README.md");
  const std::string text((std::istreambuf_iterator<char>(readme)), {});
  int suites = 0;
  for (const auto& item : std::filesystem::directory_iterator(kSource + "/suites")) {
    if (item.path().extension() != ".yaml") {
      continue;
    }
    ++suites;
    EXPECT_NE(text.find("| `" + item.path().filename().string() + "` |"), std::string::npos)
        << item.path();
    const auto suite = load_suite(item.path().string(), every_fault());
    ASSERT_TRUE(suite) << suite.error().message();
    const auto plan = make({*suite}, lab(), packs(), {});
    ASSERT_TRUE(plan) << plan.error().message();
    EXPECT_FALSE(plan->cases.empty());
    for (const Case& cell : plan->cases) {
      EXPECT_EQ(cell.because.empty(), cell.expect == Expect::pass) << cell.name;
    }
  }
  EXPECT_GE(suites, 3);
  EXPECT_EQ(make({*load_suite(kSource + "/suites/demo.yaml", catalogue())}, lab(), packs(), {})
                ->cases.size(),
            4U);
}

}  // namespace
}  // namespace harness::plan
