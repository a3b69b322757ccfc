// Names of cases: nothing that a suite asks for gets lost behind another cell's name.

#include "harness/plan/naming.h"

#include <gmock/gmock.h>

#include "harness/plan/sample_plan.h"

namespace harness::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAreArray;

constexpr const char* kPaths = "  - {versions: [v1.30.12+rke2r1, v1.30.13-rc2+rke2r1]}\n";
const std::string kHop = "s/v1.30.12+rke2r1_to_v1.30.13-rc2+rke2r1";

Suite suite_of(const std::string& text, const std::string& file = "s.yaml") {
  Catalogue known = catalogue();
  known.faults["slow-network"] = {
      "slow-network", false, [](const Params& params) -> Result<Params> { return params; }};
  auto suite = parse_suite(text, file, known);
  EXPECT_TRUE(suite) << suite.error().message();
  return *std::move(suite);
}

Suite with_faults(const std::string& faults) {
  return suite_of(changed(changed(kSuite, "none, {kill-pod: {pod: etcd}}", faults),
                          "[static-pod-sync, start-up-hooks]\n  offset: [0%, 500ms]",
                          "[start-up-hooks]"));
}

std::vector<std::string> names_of(const std::vector<Suite>& suites) {
  const auto plan = make(suites, lab(), packs(), {.aimed = false});
  EXPECT_TRUE(plan) << plan.error().message();
  std::vector<std::string> out;
  for (const Case& cell : plan->cases) {
    out.push_back(cell.name);
  }
  return out;
}

std::string refusal(const std::vector<Suite>& suites, const std::string& filter = "*") {
  const auto plan = make(suites, lab(), packs(), {.filter = filter, .aimed = false});
  EXPECT_FALSE(plan);
  EXPECT_TRUE(plan || plan.error().code() == ErrorCode::invalid_input);
  return plan ? "" : plan.error().message();
}

constexpr const char* kLike =
    "{slow-network: {loss: 10}}, {slow-network: {reorder: 10}}, {slow-network: {duplicate: 10}}";

TEST(Names, hold_the_keys_where_values_alone_do_not_tell_faults_apart) {
  const Suite suite = with_faults(kLike);
  const auto plan = make({suite}, lab(), packs(), {});
  ASSERT_TRUE(plan) << plan.error().message();
  ASSERT_EQ(plan->cases.size(), 3U);
  EXPECT_EQ(plan->cases[2].params.count("duplicate"), 1U);
  EXPECT_THAT(names_of({suite}),
              ElementsAre(kHop + "/slow-network.loss=10/start-up-hooks+0s/cp-1",
                          kHop + "/slow-network.reorder=10/start-up-hooks+0s/cp-1",
                          kHop + "/slow-network.duplicate=10/start-up-hooks+0s/cp-1"));
}

TEST(Names, are_the_same_whatever_the_order_of_the_faults) {
  EXPECT_THAT(names_of({with_faults("{slow-network: {duplicate: 10}}, {slow-network: {reorder: "
                                    "10}}, {slow-network: {loss: 10}}")}),
              UnorderedElementsAreArray(names_of({with_faults(kLike)})));
}

TEST(Names, stay_without_keys_where_they_are_clear) {
  EXPECT_THAT(names_of({with_faults("{slow-network: {loss: 10}}, {slow-network: {reorder: 20}}")}),
              ElementsAre(kHop + "/slow-network.10/start-up-hooks+0s/cp-1",
                          kHop + "/slow-network.20/start-up-hooks+0s/cp-1"));
  EXPECT_EQ(names_of({with_faults(std::string(kLike) + ", {kill-pod: {pod: etcd}}")}).back(),
            kHop + "/kill-pod.etcd/start-up-hooks+0s/cp-1");
  EXPECT_EQ(names_of({with_faults("{slow-network: {loss: 10}}, {slow-network: {loss: \"10\"}}")}),
            std::vector{kHop + "/slow-network.10/start-up-hooks+0s/cp-1"})
      << "the same twice";
}

TEST(Names, hold_the_keys_of_further_faults_too) {
  const std::string faults =
      "faults:\n  - {fault: {slow-network: {reorder: 10}}, window: readyz, after: previous}\n";
  const Suite suite =
      suite_of(changed(kSuite, "{kill-pod: {pod: etcd}}", "{slow-network: {loss: 10}}") + faults);
  EXPECT_EQ(names_of({suite}).at(1),
            kHop +
                "/slow-network.loss=10/static-pod-sync+0s/"
                "then.slow-network.reorder=10.readyz+0s/cp-1");
}

TEST(Names, of_two_sweeps_with_other_settings_are_refused) {
  const auto swept = [](const std::string& offsets) {
    return suite_of(changed(kSuite, "0%, 500ms", offsets));
  };
  const std::string sweep = "{sweep: {resolution: 50ms}}";
  EXPECT_THAT(refusal({swept(sweep + ", {sweep: {resolution: 20ms}}")}),
              HasSubstr("s.yaml:8:41: " + kHop +
                        "/kill-pod.etcd/static-pod-sync+sweep/cp-1 would be the name of two "
                        "different cases, this one and that of s.yaml:8:12: leave one of them "
                        "out, or put it into a suite of another name"));
  EXPECT_EQ(names_of({swept(sweep + ", " + sweep)}).size(), 3U) << "the same twice";
  EXPECT_THAT(refusal({swept("33.33333%, 33.333331%")}), HasSubstr("s.yaml:8:23: "));
}

TEST(Names, of_two_paths_that_differ_in_what_is_expected_are_refused_once) {
  const std::string fails =
      "  - {versions: [v1.30.12+rke2r1, v1.30.13-rc2+rke2r1], expect: fail, issue: i, because: "
      "[nodes-ready]}\n";
  const std::string said = refusal({suite_of(changed(kSuite, kPaths, kPaths + fails))});
  EXPECT_THAT(said, HasSubstr("s.yaml:5:34: " + kHop + "/none/cp-1 would be the name of two"));
  EXPECT_THAT(said, HasSubstr("that of s.yaml:4:34"));
  EXPECT_EQ(said.find("s.yaml:5:34"), said.rfind("s.yaml:5:34"));
  EXPECT_EQ(names_of({suite_of(changed(kSuite, kPaths, std::string(kPaths) + kPaths))}),
            names_of({suite_of(kSuite)}));
}

TEST(Names, of_two_suites_may_not_stand_for_different_cases) {
  const Suite suite = suite_of(kSuite);
  const Suite twin = suite_of(kSuite, "twin.yaml");
  const Suite often = suite_of(std::string(kSuite) + "hits: 3\n", "often.yaml");
  const Suite lost = with_faults("{slow-network: {loss: 10}}");
  Suite reordered = with_faults("{slow-network: {reorder: 10}}");
  reordered.file = "reordered.yaml";
  EXPECT_EQ(names_of({suite, suite, twin}), names_of({suite}));
  EXPECT_THAT(refusal({suite, often}), HasSubstr("often.yaml:4:34: "));
  EXPECT_THAT(refusal({suite, often}), HasSubstr("that of s.yaml:4:34"));
  EXPECT_THAT(refusal({lost, reordered}), HasSubstr("reordered.yaml:4:34: "));
  EXPECT_THAT(refusal({suite, often}, "no-such-case"), HasSubstr("often.yaml:4:34: "))
      << "a filter does not hide it: a replay plans without one";
}

}  // namespace
}  // namespace harness::plan
