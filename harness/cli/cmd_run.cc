// plan, run: what would run, and running it.

#include <charconv>
#include <memory>
#include <random>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/cli/planning.h"
#include "harness/cli/session.h"
#include "harness/cli/usage.h"
#include "harness/run/conductor.h"
#include "harness/run/judgement.h"
#include "harness/run/replay.h"

namespace harness::cli {
namespace {

struct Options {
  std::vector<std::string> suites;
  std::string inventory;
  std::string filter = "*";
  std::string seed;
  std::string results = "results";
  std::string time_limit;
  std::string replay;
  int repeat = 1;
  bool json = false;
  bool shuffle = false;
  bool allow_root_fill = false;
};

Result<plan::Plan> make_plan(const Options& options,
                             const inventory::Inventory& inventory,
                             bool aimed = true) {
  std::uint64_t seed = 0;
  if (options.seed.empty()) {
    seed = std::random_device()();
  } else {
    const char* end = options.seed.data() + options.seed.size();
    const auto [at, problem] = std::from_chars(options.seed.data(), end, seed);
    if (problem != std::errc() || at != end) {
      return fail(ErrorCode::invalid_input,
                  "--seed takes a whole number, not '" + options.seed + "'");
    }
  }
  return plan_suites(options.suites,
                     inventory,
                     {.seed = seed,
                      .shuffle = options.shuffle,
                      .filter = aimed ? options.filter : "*",
                      .aimed = aimed});
}

// With --replay the suites, the seed and the anchors are the earlier run's, and the filter is for
// the cases that it recorded.
Result<plan::Plan> plan_again(Options& options, const inventory::Inventory& inventory) {
  if (!options.suites.empty()) {
    return fail(ErrorCode::invalid_input,
                "--replay takes the suites of the earlier run; name no suite beside it");
  }
  TRY_ASSIGN(const run::ReplaySpec spec, run::ReplaySpec::parse(options.replay), "--replay");
  TRY_ASSIGN(const run::RunFolder folder, run::RunFolder::open(spec.run), "--replay");
  TRY_ASSIGN(options.suites, run::suites_of(folder), "--replay");
  TRY_ASSIGN(const Json earlier, folder.read("run.json"), "--replay");
  options.seed = std::to_string(static_cast<std::uint64_t>(json_int(earlier, "seed")));
  TRY_ASSIGN(plan::Plan plan, make_plan(options, inventory, false), "plan");
  return run::replay(folder, spec, std::move(plan), options.filter);
}

int show_plan(const Options& options) {
  const auto inventory = inventory::load(options.inventory);
  if (!inventory) {
    return fail_with(inventory.error());
  }
  const auto plan = make_plan(options, *inventory);
  if (!plan) {
    return fail_with(plan.error());
  }
  if (options.json) {
    print_json(plan->to_json());
    return kPassed;
  }
  print_out("{} case(s), in this order:\n", plan->cases.size());
  for (const plan::Case& cell : plan->cases) {
    print_out("  {}{}\n",
              cell.name,
              cell.expect == plan::Expect::fail ? "   (must fail: " + cell.issue + ")" : "");
  }
  if (!plan->excluded.empty()) {
    print_out("{} left out:\n", plan->excluded.size());
    for (const plan::Excluded& cell : plan->excluded) {
      print_out("  {}: {}\n", cell.name, cell.reason);
    }
  }
  return kPassed;
}

int show_end(const Options& options, const run::RunEnd& end) {
  if (end.folder.empty() && end.exit_status != kPassed) {
    fail_with({ErrorCode::refused, end.summary});
    return end.exit_status;
  }
  if (end.folder.empty()) {
    // GoogleTest has printed the names, or this shard has no case.
    if (options.json && !end.summary.empty()) {
      print_json({{"verdict", "skip"}, {"cases", Json::array()}, {"reason", end.summary}});
    } else {
      print_out("{}{}", end.summary, end.summary.empty() ? "" : "\n");
    }
    return end.exit_status;
  }
  if (!options.json) {
    print_out("\n{}\nResults: {}\n", end.summary, end.folder.string());
    return end.exit_status;
  }
  const auto verdict = [&]() -> Result<Json> {
    TRY_ASSIGN(const run::RunFolder folder, run::RunFolder::open(end.folder), "results");
    return folder.read("verdict.json");
  }();
  if (!verdict) {
    const int failed = fail_with(verdict.error());
    return end.exit_status == kPassed ? failed : end.exit_status;
  }
  print_json(*verdict);
  return end.exit_status;
}

int run_suites(Options& options, const std::vector<std::string>& gtest_flags) {
  const auto inventory = inventory::load(options.inventory);
  if (!inventory) {
    return fail_with(inventory.error());
  }
  if (options.replay.empty() && options.suites.empty()) {
    return fail_with({ErrorCode::invalid_input, "run takes suites, or --replay RUN"});
  }
  const auto plan =
      options.replay.empty() ? make_plan(options, *inventory) : plan_again(options, *inventory);
  if (!plan) {
    return fail_with(plan.error());
  }
  run::RunOptions with = run_options(options.results, options.json);
  with.repeat = options.repeat;
  with.allow_root_fill = options.allow_root_fill;
  with.gtest_flags = gtest_flags;
  with.suites = options.suites;
  if (const Status set = set_time_limit(with, options.time_limit); !set) {
    return fail_with(set.error());
  }
  run::Interrupt interrupt;
  const auto end = run::run(*inventory, *plan, with, interrupt);
  if (!end) {
    return fail_with(end.error());
  }
  return show_end(options, *end);
}

void planning_options(CLI::App& verb, Options& options) {
  verb.add_option("suites", options.suites, "Suite files (suites/README.md)");
  inventory_option(verb, options.inventory);
  verb.add_option("--filter", options.filter, "Only cases whose name matches this glob")
      ->capture_default_str();
  verb.add_option("--seed",
                  options.seed,
                  "Seed of everything that looks random; drawn and recorded when absent");
  verb.add_flag("--shuffle", options.shuffle, "Draw the order from the seed");
}

}  // namespace

void add_plan(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "plan", "What would run, in order, and what is left out and why; touches no node");
  planning_options(*verb, *options);
  verb->get_option("suites")->required();
  verb->add_flag("--json", options->json, "As JSON");
  verb->callback([options, &action] { action = [options] { return show_plan(*options); }; });
}

void add_run(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("run", "Run suites: upgrade, inject, heal, judge, report");
  planning_options(*verb, *options);
  verb->add_flag(
      "--allow-root-fill", options->allow_root_fill, "fill-disk may fill a root filesystem");
  verb->add_option(
          "--repeat",
          options->repeat,
          "Hits and attempts of every case times N; a sweep, and what --replay fires, N times over")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb->add_option("--replay",
                   options->replay,
                   "RUN[:CASE[:TRIAL]]: fire an earlier run's trials again, at the same anchors; "
                   "--filter chooses among its cases");
  verb->add_option("--time-limit",
                   options->time_limit,
                   "Stop, heal and report after this long, e.g. 90m (exit status 124)");
  verb->add_option("--results", options->results, "Where run folders go")->capture_default_str();
  verb->add_flag("--json",
                 options->json,
                 "Print verdict.json at the end and nothing before; an early error is JSON too");
  verb->prefix_command(false);
  verb->allow_extras();
  verb->footer(
      "After --, GoogleTest's own flags: --gtest_filter, --gtest_output=xml:FILE, --gtest_repeat; "
      "sharding by GTEST_TOTAL_SHARDS and GTEST_SHARD_INDEX.");
  verb->callback([options, verb, &action] {
    auto extras = verb->remaining();
    std::erase(extras, "--");
    action = [options, verb, extras] {
      const Status known = only_gtest_flags(*verb, extras);
      return known ? run_suites(*options, extras) : fail_with(known.error());
    };
  });
}

}  // namespace harness::cli
