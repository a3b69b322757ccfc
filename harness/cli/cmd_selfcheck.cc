// selfcheck: upgrades whose outcome is known, and whether the harness finds it.

#include <algorithm>
#include <memory>
#include <random>

#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/cli/judged.h"
#include "harness/cli/output.h"
#include "harness/cli/planning.h"
#include "harness/cli/session.h"
#include "harness/compare/selfcheck.h"
#include "harness/run/conductor.h"
#include "harness/run/judgement.h"

namespace harness::cli {
namespace {

struct Options {
  std::string inventory;
  std::string suite;
  std::string run;
  std::string results = "results";
  int hits = 0;  // as the suite has it
  bool json = false;
};

// Attempts as in the suite, at least two for each hit.
void want_hits(plan::Plan& plan, int hits) {
  for (plan::Case& cell : plan.cases) {
    cell.hits = hits;
    cell.attempts = std::max(cell.attempts, 2 * hits);
  }
}

Result<run::RunEnd> run_lanes(const Options& options) {
  if (options.inventory.empty()) {
    return fail(ErrorCode::invalid_input,
                "selfcheck takes -i INVENTORY, or --run RUN to judge a run of the suite");
  }
  TRY_ASSIGN(const inventory::Inventory inventory, inventory::load(options.inventory), "inventory");
  TRY_ASSIGN(plan::Plan plan,
             plan_suites({options.suite}, inventory, {.seed = std::random_device()()}),
             "plan");
  if (options.hits > 0) {
    want_hits(plan, options.hits);
  }
  run::RunOptions with = run_options(options.results, options.json);
  with.suites = {options.suite};
  run::Interrupt interrupt;
  TRY_ASSIGN(run::RunEnd end, run::run(inventory, plan, with, interrupt), "run");
  if (end.folder.empty() && end.exit_status == kPassed) {
    return fail(ErrorCode::invalid_input,
                "this shard has no lane; unset GTEST_TOTAL_SHARDS, for selfcheck wants them all");
  }
  return end;
}

Result<int> selfcheck(const Options& options) {
  std::string path = options.run;
  if (path.empty()) {
    TRY_ASSIGN(const run::RunEnd end, run_lanes(options), "selfcheck");
    if (end.folder.empty()) {  // it was stopped before there was anything to judge
      fail_with({ErrorCode::refused, end.summary});
      return end.exit_status;
    }
    path = end.folder.string();
  }
  TRY_ASSIGN(const run::RunFolder folder, run::RunFolder::open(path), "run");
  TRY_ASSIGN(const report::Model model, judged(folder), "");
  const compare::Selfcheck check = compare::selfcheck(model.cases);
  const int status = compare::exit_status(check, run::exit_status(model));
  if (options.json) {
    Json json = check.to_json();
    json["run"] = folder.path().string();
    json["exit_status"] = status;
    print_json(json);
  } else {
    print_out("\n{}\n{}Results: {}\n",
              check.to_markdown(),
              model.standin ? fmt::format("{}\n", report::kStandInNote) : "",
              folder.path().string());
  }
  return status;
}

}  // namespace

void add_selfcheck(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  options->suite = shipped_suite("selfcheck");
  CLI::App* verb = app.add_subcommand(
      "selfcheck", "Upgrades whose outcome is known: does the harness find it? Hurts the nodes");
  inventory_option(*verb, options->inventory);
  verb->get_option("--inventory")->required(false);
  verb->add_option("--suite", options->suite, "The suite with the lanes")->capture_default_str();
  verb->add_option("--hits", options->hits, "Hits per case, in place of the suite's")
      ->check(CLI::Range(1, 1000));
  verb->add_option("--run", options->run, "Judge this run of the suite instead; touches no node")
      ->excludes("--hits");
  verb->add_option("--results", options->results, "Where the run's folder goes")
      ->capture_default_str();
  verb->add_flag("--json", options->json, "As JSON");
  verb->footer(
      "  1. v1.30.11 to v1.30.12 must fail by itself (rancher/rke2#8269)\n"
      "  2. v1.30.12 to v1.30.13-rc2 must pass with a kill in the start-up hooks\n"
      "  3. v1.30.13-rc1 and -rc2, from v1.30.12 under the same faults, must not differ\n\n"
      "Exit status: 0 all three held, 1 one did not, 4 one did not run or not often enough; else "
      "as the run ended.");
  verb->callback([options, &action] {
    action = [options] {
      const auto done = selfcheck(*options);
      return done ? *done : fail_with(done.error());
    };
  });
}

}  // namespace harness::cli
