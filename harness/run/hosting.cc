#include "harness/run/hosting.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace harness::run {
namespace {

constexpr std::array<std::string_view, 17> kFlags = {"also_run_disabled_tests",
                                                     "break_on_failure",
                                                     "brief",
                                                     "catch_exceptions",
                                                     "color",
                                                     "fail_fast",
                                                     "filter",
                                                     "list_tests",
                                                     "output",
                                                     "print_time",
                                                     "print_utf8",
                                                     "random_seed",
                                                     "repeat",
                                                     "shuffle",
                                                     "stack_trace_depth",
                                                     "throw_on_failure",
                                                     "recreate_environments_when_repeating"};

std::string test_name(const plan::Case& cell) {
  return cell.name.substr(cell.name.find('/') + 1);
}

// The suite's and the test's name of every test that GoogleTest will run.
std::set<std::string> selected_names() {
  std::set<std::string> out;
  const testing::UnitTest& unit = *testing::UnitTest::GetInstance();
  for (int s = 0; s < unit.total_test_suite_count(); ++s) {
    const testing::TestSuite& suite = *unit.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const testing::TestInfo& info = *suite.GetTestInfo(t);
      if (info.should_run()) {
        out.insert(fmt::format("{}/{}", info.test_suite_name(), info.name()));
      }
    }
  }
  return out;
}

class Preparation : public testing::Environment {
 public:
  Preparation(const std::vector<plan::Case>& cases, const Hosting& hosting, Hosted& hosted)
      : cases_(cases), hosting_(hosting), hosted_(hosted) {}

  void SetUp() override {
    if (hosted_.selected) {
      ASSERT_TRUE(hosted_.prepared) << hosted_.prepared.error().message();
      return;  // a repetition
    }
    hosted_.selected = true;
    const std::set<std::string> names = selected_names();
    std::vector<const plan::Case*> selected;
    for (const plan::Case& cell : cases_) {
      if (names.contains(cell.name)) {
        selected.push_back(&cell);
      }
    }
    hosted_.prepared = hosting_.prepare(selected);
    ASSERT_TRUE(hosted_.prepared) << hosted_.prepared.error().message();
  }

 private:
  const std::vector<plan::Case>& cases_;
  const Hosting& hosting_;
  Hosted& hosted_;
};

class PlannedCase : public testing::Test {
 public:
  PlannedCase(const Hosting& hosting, const plan::Case& cell) : hosting_(hosting), cell_(cell) {}

  void TestBody() override {
    const CaseEnd end = hosting_.run_case(cell_);
    switch (end.verdict) {
      case check::Verdict::pass:
        return;
      case check::Verdict::unproven:
      case check::Verdict::skip:
        GTEST_SKIP() << check::to_string(end.verdict) << ": " << end.reason;
      case check::Verdict::fail:
      case check::Verdict::error:
        FAIL() << check::to_string(end.verdict) << ": " << end.reason;
    }
  }

 private:
  const Hosting& hosting_;
  const plan::Case& cell_;
};

}  // namespace

Status check_gtest_flags(const std::vector<std::string>& flags) {
  for (const std::string& flag : flags) {
    const std::string_view name = std::string_view(flag).substr(0, flag.find('='));
    const bool known =
        name.starts_with("--gtest_") &&
        std::ranges::find(kFlags, name.substr(std::string_view("--gtest_").size())) != kFlags.end();
    if (!known) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("after -- only GoogleTest's flags are taken, and '{}' is none; there "
                              "are --gtest_{}",
                              flag,
                              fmt::join(kFlags, ", --gtest_")));
    }
  }
  return {};
}

Hosted host(const std::vector<plan::Case>& cases,
            const std::vector<std::string>& gtest_flags,
            const Hosting& hosting) {
  Hosted hosted;
  std::vector<std::string> words = {"hookshot"};
  words.insert(words.end(), gtest_flags.begin(), gtest_flags.end());
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  int argc = static_cast<int>(words.size());
  testing::InitGoogleTest(&argc, argv.data());
  hosted.listed = testing::GTEST_FLAG(list_tests);
  const char* shards = std::getenv("GTEST_TOTAL_SHARDS");
  hosted.sharded = shards != nullptr && std::atoi(shards) > 1;
  for (const plan::Case& cell : cases) {
    testing::RegisterTest(
        cell.suite.c_str(),
        test_name(cell).c_str(),
        nullptr,
        nullptr,
        cell.suite.c_str(),
        static_cast<int>(cell.index),
        [&hosting, &cell]() -> PlannedCase* { return new PlannedCase(hosting, cell); });
  }
  testing::AddGlobalTestEnvironment(new Preparation(cases, hosting, hosted));
  if (!hosted.listed) {
    // The progress lines say all that GoogleTest's own printer would, and more.
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
  }
  const int failed = RUN_ALL_TESTS();  // verdicts say more than this
  static_cast<void>(failed);
  return hosted;
}

}  // namespace harness::run
