#include "harness/plan/plan.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

namespace harness::plan {
namespace {

const std::string kSource = HOOKSHOT_SOURCE_DIR;

FaultCatalogue catalogue() {
  const auto takes = [](std::string name, std::set<std::string> keys) {
    return FaultInfo{name, name == "none", [name, keys](const Params& params) -> Result<Params> {
                       for (const auto& [key, value] : params) {
                         if (!keys.contains(key)) {
                           return fail(ErrorCode::invalid_input,
                                       "fault " + name + " has no parameter '" + key + "'");
                         }
                       }
                       return params;
                     }};
  };
  return {{"none", takes("none", {})},
          {"kill-pod", takes("kill-pod", {"pod", "how"})},
          {"reboot", takes("reboot", {"how"})}};
}

inventory::Inventory lab(int servers = 1) {
  inventory::Inventory out;
  out.cluster = "lab";
  out.file = "lab.yaml";
  for (int i = 1; i <= servers; ++i) {
    out.nodes.push_back({"cp-" + std::to_string(i), "192.0.2." + std::to_string(i), true, {}});
  }
  return out;
}

std::vector<WindowPack> packs() {
  return *load_packs(kSource + "/suites/windows");
}

constexpr const char* kSuite =
    "suite: s\n"
    "question: q\n"
    "paths:\n"
    "  - {versions: [v1.30.12+rke2r1, v1.30.13-rc2+rke2r1]}\n"
    "matrix:\n"
    "  fault: [none, {kill-pod: {pod: etcd}}]\n"
    "  window: [static-pod-sync, start-up-hooks]\n"
    "  offset: [0%, 500ms]\n"
    "  target: [each-server]\n";

std::string error_of(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  const auto result = parse_suite(text, "s.yaml", catalogue());
  EXPECT_FALSE(result) << text;
  EXPECT_TRUE(result || result.error().code() == ErrorCode::invalid_input);
  return result ? "" : result.error().message();
}

TEST(Suite, names_the_place_of_every_mistake) {
  EXPECT_NE(error_of(kSuite, "question", "qestion")
                .find("s.yaml:2:1: suite has no key 'qestion' (did you mean 'question'?)"),
            std::string::npos);
  EXPECT_NE(error_of(kSuite, "v1.30.13-rc2+rke2r1", "v1.30.13-rc2")
                .find("s.yaml:4:34: 'v1.30.13-rc2' is not an RKE2 version"),
            std::string::npos);
  EXPECT_NE(error_of(kSuite, "kill-pod", "kill-pid")
                .find("s.yaml:6:18: there is no fault 'kill-pid' (did you mean 'kill-pod'?)"),
            std::string::npos);
  EXPECT_NE(error_of(kSuite, "pod: etcd", "pot: etcd")
                .find("s.yaml:6:18: fault kill-pod has no parameter 'pot'"),
            std::string::npos);
  EXPECT_NE(error_of(kSuite, "500ms", "50%")
                .find("s.yaml:8:16: offset '50%': a percentage needs learned lengths"),
            std::string::npos);
  EXPECT_NE(error_of(kSuite, "500ms", "soon").find("s.yaml:8:16: offset 'soon' is not a duration"),
            std::string::npos);
  EXPECT_NE(
      error_of(kSuite, "[each-server]", "{a: b}").find("s.yaml:9:11: 'target' must be a list"),
      std::string::npos);
}

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

TEST(Plan, refuses_unknown_windows_targets_and_lines) {
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string text = kSuite;
    text.replace(text.find(from), from.size(), to);
    const auto plan = make({*parse_suite(text, "s.yaml", catalogue())}, lab(), packs(), {});
    EXPECT_FALSE(plan);
    return plan ? "" : plan.error().message();
  };
  EXPECT_NE(refused("static-pod-sync", "coffee-break").find("has no window 'coffee-break'"),
            std::string::npos);
  EXPECT_NE(refused("each-server", "cp-9").find("target 'cp-9' is no node of lab.yaml"),
            std::string::npos);
  EXPECT_NE(refused("v1.30.13-rc2", "v9.9.9")
                .find("no window pack holds for v9.9.9+rke2r1; there are packs for 1.30"),
            std::string::npos);
}

TEST(Packs, hold_one_form_of_a_window_for_each_version) {
  for (const char* tag : {"v1.30.11+rke2r1",
                          "v1.30.12+rke2r1",
                          "v1.30.13-rc1+rke2r1",
                          "v1.30.13-rc2+rke2r1",
                          "v1.30.13+rke2r1"}) {
    const auto windows = windows_for(packs(), *Version::parse(tag));
    ASSERT_TRUE(windows) << windows.error().message();
    std::set<std::string> names;
    for (const auto& window : *windows) {
      EXPECT_TRUE(names.insert(window.name).second) << tag << " " << window.name;
    }
    for (const char* name : {"static-pod-sync", "apiserver-gap", "start-up-hooks", "readyz"}) {
      EXPECT_TRUE(names.contains(name)) << tag << " " << name;
    }
  }
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
    const auto suite = load_suite(item.path().string(), catalogue());
    ASSERT_TRUE(suite) << suite.error().message();
    const auto plan = make({*suite}, lab(), packs(), {});
    ASSERT_TRUE(plan) << plan.error().message();
    EXPECT_FALSE(plan->cases.empty());
  }
  EXPECT_GE(suites, 3);
  EXPECT_EQ(make({*load_suite(kSource + "/suites/demo.yaml", catalogue())}, lab(), packs(), {})
                ->cases.size(),
            4U);
}

}  // namespace
}  // namespace harness::plan
