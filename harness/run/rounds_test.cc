// A run of which GoogleTest repeats every case, by --gtest_repeat.
#include "harness/run/whole_run.h"

namespace harness::run {
namespace {

using check::Verdict;
using testing::ElementsAre;

class Rounds : public WholeRun {
 protected:
  // Prepared once, and each case once more in the second round.
  Hosted host_twice(const std::vector<plan::Case>& cases, const Hosting& hosting) {
    Hosted out{.selected = true};
    std::vector<const plan::Case*> selected;
    for (const plan::Case& cell : cases) {
      selected.push_back(&cell);
    }
    out.prepared = hosting.prepare(selected);
    for (int round = 0; out.prepared && round < 2; ++round) {
      for (const plan::Case& cell : cases) {
        ends_.push_back(hosting.run_case(cell).verdict);
      }
    }
    return out;
  }

  Result<RunEnd> run_twice(const std::string& suite) {
    inventory::Inventory inventory = plan::lab();
    inventory.expendable = true;
    options_.gtest_flags = {"--gtest_repeat=2"};
    Interrupt interrupt;
    return run::run(
        inventory,
        planned_of(suite, {.seed = 7}).value(),
        options_,
        interrupt,
        {.connect = [this](const inventory::Inventory&, Deadline) { return lab_.connect(); },
         .install_method = [this](std::string_view, const std::filesystem::path&)
             -> Result<std::unique_ptr<upgrade::InstallMethod>> {
           return std::make_unique<FakeInstall>(lab_.service);
         },
         .host = [this](const std::vector<plan::Case>& cases,
                        const std::vector<std::string>&,
                        const Hosting& hosting) { return host_twice(cases, hosting); },
         .power_ledger = results_ / "power",
         .pace = {.healthy_start = std::chrono::milliseconds(20),
                  .settle = {.quiet = std::chrono::milliseconds(0),
                             .period = std::chrono::milliseconds(1)},
                  .probes = {.period = std::chrono::milliseconds(1)},
                  .lease_renewal = std::chrono::milliseconds(1)}});
  }

  std::vector<Verdict> ends_;  // what GoogleTest is told of each
};

TEST_F(Rounds, each_make_as_many_trials_as_are_wanted) {
  const auto end = run_twice(kKill);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->exit_status, 0) << end->summary;
  EXPECT_THAT(ends_, ElementsAre(Verdict::pass, Verdict::pass));
  std::vector<std::int64_t> numbers;
  const Json said = verdict();
  for (const Json& trial : said["cases"][0]["trials"]) {
    numbers.push_back(json_int(trial, "trial"));
    EXPECT_EQ(trial["hit"], true) << trial.dump(2);
  }
  EXPECT_THAT(numbers, ElementsAre(1, 2, 3, 4)) << "two hits are wanted";
}

TEST_F(Rounds, do_not_fail_for_what_failed_in_an_earlier_one) {
  lab_.service.dies = true;
  const auto end = run_twice(none());
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_THAT(ends_, ElementsAre(Verdict::fail, Verdict::pass));
  EXPECT_EQ(end->exit_status, 1) << "the run as a whole has failed";
}

}  // namespace
}  // namespace harness::run
