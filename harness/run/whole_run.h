// Whole runs, from the plan to the exit status, on a fake node and a fake install.
#pragma once

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include <gmock/gmock.h>

#include "harness/event/log.h"
#include "harness/plan/sample_plan.h"
#include "harness/run/conductor.h"
#include "harness/run/fake_cluster.h"
#include "harness/run/judgement.h"

namespace harness::run {

inline constexpr const char* kKill =
    "suite: s\n"
    "question: q\n"
    "paths:\n"
    "  - {versions: [v1.30.12+rke2r1, v1.30.13-rc2+rke2r1]}\n"
    "matrix:\n"
    "  fault: [{kill-pod: {pod: etcd}}]\n"
    "  window: [start-up-hooks]\n"
    "  offset: [0%]\n"
    "  target: [each-server]\n"
    "hits: 2\n"
    "attempts: 3\n";

// The same without a fault.
inline std::string none() {
  return plan::changed(plan::changed(kKill, "fault: [{kill-pod: {pod: etcd}}]", "fault: [none]"),
                       "hits: 2",
                       "hits: 1");
}

// As GoogleTest would host them, which can do that once in a process.
inline Hosted host_here(const std::vector<plan::Case>& cases,
                        const std::vector<std::string>&,
                        const Hosting& hosting) {
  Hosted out{.selected = true};
  std::vector<const plan::Case*> selected;
  for (const plan::Case& cell : cases) {
    selected.push_back(&cell);
  }
  out.prepared = hosting.prepare(selected);
  for (const plan::Case& cell : cases) {
    if (out.prepared) {
      hosting.run_case(cell);
    }
  }
  return out;
}

class WholeRun : public testing::Test {
 protected:
  void SetUp() override {
    pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
    std::string name = (std::filesystem::temp_directory_path() / "hookshot-run-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    results_ = name;
    options_.results = results_;
    options_.style = Progress::Style::silent;
  }

  void TearDown() override {
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    std::filesystem::remove_all(results_);
  }

  static Result<plan::Plan> planned_of(const std::string& suite, const plan::PlanOptions& options) {
    TRY_ASSIGN(
        const plan::Suite parsed, plan::parse_suite(suite, "s.yaml", plan::catalogue()), "suite");
    return plan::make({parsed}, plan::lab(), plan::packs(), options);
  }

  Result<RunEnd> run(const std::string& suite) {
    const auto planned = planned_of(suite, {.seed = 7});
    EXPECT_TRUE(planned) << planned.error().message();
    return run(*planned);
  }

  Result<RunEnd> run(const plan::Plan& plan) {
    inventory::Inventory inventory = plan::lab();
    inventory.expendable = true;
    Interrupt interrupt;
    return run::run(
        inventory,
        plan,
        options_,
        interrupt,
        {.connect = [this](const inventory::Inventory&, Deadline) { return lab_.connect(); },
         .install_method = [this, &interrupt](std::string_view, const std::filesystem::path&)
             -> Result<std::unique_ptr<upgrade::InstallMethod>> {
           if (ahead_of_all_) {
             ahead_of_all_(interrupt);
           }
           return std::make_unique<FakeInstall>(lab_.service);
         },
         .host = host_here,
         .power_ledger = results_ / "power",
         .pace = {.healthy_start = std::chrono::milliseconds(20),
                  .settle = {.quiet = std::chrono::milliseconds(0),
                             .period = std::chrono::milliseconds(1)},
                  .probes = {.period = std::chrono::milliseconds(1)},
                  .lease_renewal = std::chrono::milliseconds(1)}});
  }

  RunFolder folder() const { return RunFolder::open(results_ / "latest").value(); }

  Json verdict() const { return folder().read("verdict.json").value(); }

  std::string text(const std::string& file) const {
    std::ifstream in(folder().path() / file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::vector<Json> events(const std::string& type) const {
    std::vector<Json> out;
    EXPECT_TRUE(event::read_events(folder().events(), [&](Json event) {
      if (json_string(event, "type") == type) {
        out.push_back(std::move(event));
      }
    }));
    return out;
  }

  int status_of_folder() const { return exit_status(judge(folder()).value()); }

  FakeCluster lab_;
  std::filesystem::path results_;
  RunOptions options_;
  std::function<void(Interrupt&)> ahead_of_all_;  // before the run has a folder

 private:
  sigset_t mask_{};
};

}  // namespace harness::run
