// plan, run, judge, report: suites and what became of them.

#include <charconv>
#include <memory>
#include <random>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/cli/command.h"
#include "harness/cli/planning.h"
#include "harness/cli/session.h"
#include "harness/run/conductor.h"
#include "harness/run/judgement.h"

namespace harness::cli {
namespace {

struct Options {
  std::vector<std::string> suites;
  std::string inventory;
  std::string filter = "*";
  std::string seed;
  std::string results = "results";
  std::string time_limit;
  std::string run;
  std::string format = "html,junit,md,json";
  int repeat = 1;
  bool json = false;
  bool shuffle = false;
};

Result<plan::Plan> make_plan(const Options& options, const inventory::Inventory& inventory) {
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
                     {.seed = seed, .shuffle = options.shuffle, .filter = options.filter});
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
    fmt::print("{}\n", plan->to_json().dump(2));
    return kPassed;
  }
  fmt::print("{} case(s), in this order:\n", plan->cases.size());
  for (const plan::Case& cell : plan->cases) {
    fmt::print("  {}{}\n",
               cell.name,
               cell.expect == plan::Expect::fail ? "   (must fail: " + cell.issue + ")" : "");
  }
  if (!plan->excluded.empty()) {
    fmt::print("{} left out:\n", plan->excluded.size());
    for (const plan::Excluded& cell : plan->excluded) {
      fmt::print("  {}: {}\n", cell.name, cell.reason);
    }
  }
  return kPassed;
}

int run_suites(const Options& options, const std::vector<std::string>& gtest_flags) {
  const auto inventory = inventory::load(options.inventory);
  if (!inventory) {
    return fail_with(inventory.error());
  }
  const auto plan = make_plan(options, *inventory);
  if (!plan) {
    return fail_with(plan.error());
  }
  run::RunOptions run_options{.results = options.results,
                              .repeat = options.repeat,
                              .gtest_flags = gtest_flags,
                              .style = run::Progress::detect(stdout),
                              .tool = "hookshot " HOOKSHOT_VERSION,
                              .suites = options.suites};
  if (options.json) {
    run_options.style = run::Progress::Style::silent;
  }
  if (!options.time_limit.empty()) {
    const auto limit = parse_duration(options.time_limit);
    if (!limit) {
      return fail_with(Error(limit.error()).prepend("--time-limit"));
    }
    run_options.time_limit = *limit;
  }
  run::Interrupt interrupt;
  const auto end = run::run(*inventory, *plan, run_options, interrupt);
  if (!end) {
    return interrupt.exit_status() != 0 ? interrupt.exit_status() : fail_with(end.error());
  }
  if (end->folder.empty()) {
    fmt::print("{}{}", end->summary, end->summary.empty() ? "" : "\n");
  } else if (options.json) {
    const auto folder = run::RunFolder::open(end->folder);
    const auto verdict = folder ? folder->read("verdict.json") : Result<Json>(fail(folder.error()));
    fmt::print("{}\n", verdict ? verdict->dump(2) : "null");
  } else {
    fmt::print("\n{}\nResults: {}\n", end->summary, end->folder.string());
  }
  return end->exit_status;
}

Result<run::Formats> formats_of(const std::string& text) {
  run::Formats formats{false, false, false, false};
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string one = text.substr(at, end - at);
    if (one == "json") {
      formats.json = true;
    } else if (one == "junit") {
      formats.junit = true;
    } else if (one == "md") {
      formats.markdown = true;
    } else if (one == "html") {
      formats.html = true;
    } else {
      return fail(ErrorCode::invalid_input,
                  "--format takes html, junit, md, json, not '" + one + "'");
    }
    at = end + 1;
  }
  return formats;
}

int report(const Options& options, bool print) {
  const auto done = [&]() -> Result<int> {
    TRY_ASSIGN(const run::Formats formats, formats_of(options.format), "report");
    TRY_ASSIGN(const run::RunFolder folder, run::RunFolder::open(options.run), "run");
    TRY_ASSIGN(const report::Model model, run::judge(folder), "judge");
    TRY(run::write_reports(folder, model, formats), "report");
    if (options.json) {
      fmt::print("{}", report::to_verdict_json(model));
    } else if (print) {
      fmt::print("{}", report::to_markdown(model));
    } else {
      fmt::print("{}\n", folder.path().string());
    }
    return run::exit_status(model);
  }();
  return done ? *done : fail_with(done.error());
}

void planning_options(CLI::App& verb, Options& options) {
  verb.add_option("suites", options.suites, "Suite files (suites/README.md)")->required();
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
  verb->add_flag("--json", options->json, "As JSON");
  verb->callback([options, &action] { action = [options] { return show_plan(*options); }; });
}

void add_run(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("run", "Run suites: upgrade, inject, heal, judge, report");
  planning_options(*verb, *options);
  verb->add_option("--repeat", options->repeat, "Hits and attempts of every case times N")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb->add_option("--time-limit",
                   options->time_limit,
                   "Stop, heal and report after this long, e.g. 90m (exit status 124)");
  verb->add_option("--results", options->results, "Where run folders go")->capture_default_str();
  verb->add_flag("--json", options->json, "Print verdict.json at the end and nothing before");
  verb->prefix_command(false);
  verb->allow_extras();
  verb->footer(
      "After --, GoogleTest's own flags: --gtest_filter, --gtest_output=xml:FILE, --gtest_repeat; "
      "sharding by GTEST_TOTAL_SHARDS and GTEST_SHARD_INDEX.");
  verb->callback([options, verb, &action] {
    auto extras = verb->remaining();
    std::erase(extras, "--");
    action = [options, extras] { return run_suites(*options, extras); };
  });
}

void add_judge(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("judge", "All checks of a run again, from its events");
  verb->add_option("run", options->run, "Run folder, e.g. results/latest")->required();
  verb->add_flag("--json", options->json, "Print verdict.json");
  verb->callback([options, &action] { action = [options] { return report(*options, true); }; });
}

void add_report(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("report", "A run's reports again, from its events");
  verb->add_option("run", options->run, "Run folder, e.g. results/latest")->required();
  verb->add_option("--format", options->format, "Which, with commas")->capture_default_str();
  verb->add_flag("--json", options->json, "Print verdict.json");
  verb->callback([options, &action] { action = [options] { return report(*options, false); }; });
}

}  // namespace harness::cli
