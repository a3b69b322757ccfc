#include "harness/compare/comparable.h"

#include <gmock/gmock.h>

#include "harness/compare/sample_cases.h"

namespace harness::compare {
namespace {

using testing::HasSubstr;

report::Model run_of(const std::string& name, bool standin, int hits = 1) {
  return {.run = name,
          .standin = standin,
          .finished = "2026-01-01T00:00:00.000000Z",
          .cases = {a_case(kOld, {{.passed = hits}})}};
}

void expect_refused(const report::Model& before, const report::Model& after, const char* said) {
  const Status refused = comparable(before, after);
  ASSERT_FALSE(refused) << said;
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(refused.error().message(), HasSubstr(said));
}

TEST(Comparable, refuses_runs_that_say_nothing_about_each_other) {
  EXPECT_TRUE(comparable(run_of("a", true), run_of("b", true)));
  expect_refused(run_of("a", true), run_of("a", true), "a is held against itself");
  expect_refused(
      run_of("a", true), run_of("b", false), "a tested the lab's stand-in and b a real rke2");
  EXPECT_TRUE(comparable(run_of("a", true), run_of("b", false, 0))) << "nothing tells what b was";
  report::Model going = run_of("b", true);
  going.finished.clear();
  expect_refused(run_of("a", true), going, "b has not finished");
}

}  // namespace
}  // namespace harness::compare
