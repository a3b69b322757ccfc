// windows learn: starts, undisturbed or stretched, and what they say of the windows' lengths.

#include <iterator>
#include <memory>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/aim/lengths.h"
#include "harness/base/length.h"
#include "harness/cli/command.h"
#include "harness/cli/planning.h"
#include "harness/cli/session.h"
#include "harness/fault/fault.h"
#include "harness/plan/targets.h"
#include "harness/run/conductor.h"
#include "harness/run/learning.h"

namespace harness::cli {
namespace {

struct Options {
  std::string inventory;
  std::string from;
  std::string to;
  std::string run;
  std::string results = "results";
  int starts = 5;
  bool failed = false;
  bool reboot = false;
  bool json = false;
  std::string stretch;
  std::string in;
  std::string offset = "0s";
};

// The fault that stretches and its place, instead of no fault.
Status add_stretch(const Options& options, plan::Suite& suite) {
  std::istringstream words(options.stretch);
  std::string name;
  words >> name;
  TRY_ASSIGN(const fault::Params params,
             fault::parse_params({std::istream_iterator<std::string>(words), {}}),
             "--stretch");
  TRY_ASSIGN(const fault::Fault made, fault::make_fault(name, params), "--stretch");
  if (!fault::registry().at(name).stretches) {
    std::vector<std::string_view> all;
    for (const auto& [known, spec] : fault::registry()) {
      if (spec.stretches) {
        all.push_back(known);
      }
    }
    return fail(
        ErrorCode::invalid_input,
        fmt::format(
            "--stretch: {} makes no window longer; these do: {}", name, fmt::join(all, ", ")));
  }
  TRY_ASSIGN(const aim::Offset offset, aim::parse_offset(options.offset), "--offset");
  if (offset.kind == aim::Offset::Kind::sweep) {
    return fail(ErrorCode::invalid_input, "--offset: what stretches begins at one instant");
  }
  suite.faults = {{name, made.params, made.describe()}};
  suite.windows = {{options.in, {}}};
  suite.offsets = {plan::OffsetChoice{.at = offset, .sweep = {}, .place = {}}};
  suite.attempts = 2 * options.starts;
  return {};
}

Result<plan::Suite> suite_of(const Options& options, const Version& from, const Version& to) {
  plan::Suite suite;
  suite.name = "learn";
  suite.file = "windows learn";
  suite.question = "How long do the windows last?";
  suite.paths = {plan::Path{.from = from,
                            .to = to,
                            .by_reboot = options.reboot,
                            .expect = options.failed ? plan::Expect::fail : plan::Expect::pass,
                            .issue = options.failed ? "--failed" : "",
                            .because = {},
                            .fatal = {},
                            .place = {}}};
  suite.faults = {{"none", {}}};
  suite.offsets = {plan::OffsetChoice{}};
  suite.targets = {{"first-server", {}}};
  suite.hits = options.starts;
  suite.attempts = options.starts;
  if (!options.stretch.empty()) {
    TRY(add_stretch(options, suite), "learn");
  }
  return suite;
}

void print(const aim::Lengths& lengths) {
  fmt::print("{:<18} {:<8} {:>4} {:>10} {:>10} {:>10} {:>10}  {}\n",
             "window",
             "node",
             "n",
             "median",
             "spread",
             "shortest",
             "longest",
             "hop");
  for (const aim::Lengths::Row& row : lengths.rows()) {
    fmt::print("{:<18} {:<8} {:>4} {:>10} {:>10} {:>10} {:>10}  {}\n",
               row.window,
               row.where.node,
               row.learned.samples,
               format_length(row.learned.median),
               format_length(row.learned.spread),
               format_length(row.learned.shortest),
               format_length(row.learned.longest),
               row.where.hop() +
                   (row.where.stretch ? " under " + row.where.stretch.text() : std::string()));
  }
}

Result<run::RunEnd> start_often(const Options& options,
                                const inventory::Inventory& inventory,
                                const aim::Lengths& lengths) {
  TRY_ASSIGN(const Version from, Version::parse(options.from), "--from");
  TRY_ASSIGN(const Version to, Version::parse(options.to), "--to");
  TRY_ASSIGN(const std::vector<plan::WindowPack> packs, window_packs(), "windows");
  TRY_ASSIGN(const plan::Suite suite, suite_of(options, from, to), "");
  TRY_ASSIGN(
      const plan::Plan plan,
      plan::make(
          {suite}, inventory, packs, {.lengths = std::make_shared<const aim::Lengths>(lengths)}),
      "plan");
  if (plan.cases.empty()) {
    return fail(ErrorCode::invalid_input,
                plan.excluded.empty()
                    ? "there is nothing to start"
                    : plan.excluded.front().name + ": " + plan.excluded.front().reason);
  }
  run::Interrupt interrupt;
  return run::run(inventory, plan, run_options(options.results, options.json), interrupt);
}

Result<int> learn(const Options& options) {
  TRY_ASSIGN(const inventory::Inventory inventory, inventory::load(options.inventory), "inventory");
  const auto file = aim::Lengths::beside(options.inventory);
  TRY_ASSIGN(aim::Lengths lengths, aim::Lengths::load(file), "lengths");
  lengths.know_servers(plan::servers_of(inventory));
  std::string path = options.run;
  int status = kPassed;
  if (path.empty()) {
    if (options.from.empty() || options.to.empty()) {
      return fail(ErrorCode::invalid_input,
                  "windows learn takes --from and --to, two releases between which it upgrades "
                  "(the same one twice: restarts), or --run RUN");
    }
    TRY_ASSIGN(const run::RunEnd end, start_often(options, inventory, lengths), "learn");
    if (end.folder.empty() && end.exit_status != kPassed) {
      return end.exit_status;  // it was stopped before there was anything to learn from
    }
    path = end.folder.string();
    // What was learned until then is kept, and so is the word on how the run ended.
    const bool cut_short = end.exit_status == kUnhealed || end.exit_status >= run::kTimeLimitPassed;
    status = cut_short ? end.exit_status : kPassed;
  }
  TRY_ASSIGN(const run::RunFolder folder, run::RunFolder::open(path), "run");
  TRY_ASSIGN(
      const run::Learning learned,
      run::learn(folder, lengths, options.failed ? run::Learn::failing_too : run::Learn::passing),
      "learn");
  if (learned.starts == 0 && learned.known > 0) {
    if (options.json) {
      fmt::print("{}\n", lengths.to_json().dump(2));
    } else {
      fmt::print("{}: learned before, from {} trial(s); nothing is changed in {}\n",
                 folder.name(),
                 learned.known,
                 file.string());
    }
    return status;
  }
  if (learned.starts == 0) {
    const int failed =
        fail_with({ErrorCode::remote_failed,
                   fmt::format("{}: nothing could be learned from it{}",
                               folder.path().string(),
                               learned.why_not.empty() ? "" : ": " + learned.why_not)});
    return status != kPassed ? status : failed;
  }
  TRY(lengths.save(file), "lengths");
  if (options.json) {
    fmt::print("{}\n", lengths.to_json().dump(2));
    return status;
  }
  print(lengths);
  fmt::print(
      "{} start(s) learned{}{}, kept in {}\n",
      learned.starts,
      learned.known == 0 ? "" : fmt::format(", {} trial(s) were learned before", learned.known),
      learned.left_out == 0
          ? ""
          : fmt::format(", {} trial(s) left out (the last: {})", learned.left_out, learned.why_not),
      file.string());
  return status;
}

}  // namespace

void add_windows_learn(CLI::App& windows, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      windows.add_subcommand("learn",
                             "Start without faults, or under one that stretches, some times, and "
                             "keep how long each window "
                             "lasted beside the inventory; percentages and sweeps need it");
  inventory_option(*verb, options->inventory);
  verb->add_option("--from", options->from, "Release to upgrade from");
  verb->add_option("--to", options->to, "Release to upgrade to; the same one: restarts");
  verb->add_flag("--reboot",
                 options->reboot,
                 "Start the release to upgrade to by a reboot of the node, for paths with "
                 "`restart: reboot`");
  verb->add_option("--starts", options->starts, "How often")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  CLI::Option* run = verb->add_option("--run",
                                      options->run,
                                      "Learn from this run's trials without a fault, or with "
                                      "nothing but a stretch, instead; each once");
  CLI::Option* stretch = verb->add_option("--stretch",
                                          options->stretch,
                                          "Learn what windows last while this fault stretches "
                                          "them, kept apart: 'slow-service percent=10'");
  CLI::Option* in = verb->add_option("--in", options->in, "The window in which it begins");
  stretch->needs(in)->excludes(run);
  in->needs(stretch);
  verb->add_option("--offset", options->offset, "Where in it")
      ->capture_default_str()
      ->needs(stretch);
  verb->add_flag("--failed",
                 options->failed,
                 "From starts that failed a check, too: for a release that cannot pass");
  verb->add_option("--results", options->results, "Where the run's folder goes")
      ->capture_default_str();
  verb->add_flag("--json", options->json, "Everything learned, as JSON");
  verb->callback([options, &action] {
    action = [options] {
      const auto done = learn(*options);
      return done ? *done : fail_with(done.error());
    };
  });
}

}  // namespace harness::cli
