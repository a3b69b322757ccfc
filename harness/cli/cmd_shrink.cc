// shrink: which of a failing case's faults are needed for its failure.

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/cli/command.h"
#include "harness/cli/judged.h"
#include "harness/cli/output.h"
#include "harness/cli/planning.h"
#include "harness/cli/session.h"
#include "harness/run/replay.h"
#include "harness/run/session.h"
#include "harness/run/shrink.h"

namespace harness::cli {
namespace {

struct Options {
  std::string spec;
  std::string inventory;
  std::string confirm = "2/3";
  std::string results = "results";
  std::string time_limit;
  bool json = false;
};

struct Failing {
  plan::Case cell;        // with what to shoot again
  run::ReplaySpec trial;  // which that is, whatever `latest` will be
};

// The trial that is named, or the case's first that hit and failed.
Result<int> failing_trial(const report::Model& model, const run::ReplaySpec& spec) {
  const auto found = std::ranges::find(model.cases, spec.case_name, &check::CaseVerdict::name);
  std::vector<int> failed;
  std::string named = "is not there";
  if (found != model.cases.end()) {
    for (const check::TrialVerdict& trial : found->trials) {
      if (trial.counts && trial.verdict == check::Verdict::fail) {
        failed.push_back(trial.trial);
      }
      if (trial.trial == spec.trial) {
        named = fmt::format("ended as {}: {}", check::to_string(trial.verdict), trial.reason);
      }
    }
  }
  if (failed.empty()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} of {} has no trial that hit and failed, so there is nothing to "
                            "shrink; its report lists the cases",
                            spec.case_name,
                            model.run));
  }
  if (spec.trial != 0 && std::ranges::find(failed, spec.trial) == failed.end()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("trial {} of {} in {} {}; name one that hit and failed: {}",
                            spec.trial,
                            spec.case_name,
                            model.run,
                            named,
                            fmt::join(failed, ", ")));
  }
  return spec.trial != 0 ? spec.trial : failed.front();
}

Result<Failing> failing_case(const Options& options, const inventory::Inventory& inventory) {
  TRY_ASSIGN(run::ReplaySpec spec, run::ReplaySpec::parse(options.spec), "RUN:CASE");
  if (spec.case_name.empty()) {
    return fail(ErrorCode::invalid_input, "no case is named; RUN:CASE, with the case's whole name");
  }
  TRY_ASSIGN(const run::RunFolder folder, run::RunFolder::open(spec.run), options.spec);
  TRY_ASSIGN(const report::Model model, judged(folder), options.spec);
  TRY_ASSIGN(spec.trial, failing_trial(model, spec), "shrink");
  TRY_ASSIGN(const std::vector<std::string> suites, run::suites_of(folder), "shrink");
  TRY_ASSIGN(plan::Plan plan,
             plan_suites(suites, inventory, {.seed = model.seed, .aimed = false}),
             "plan");
  TRY_ASSIGN(plan::Plan again, run::replay(folder, spec, std::move(plan)), "shrink");
  spec.run = folder.path();
  return Failing{.cell = std::move(again.cases.front()), .trial = std::move(spec)};
}

Result<run::Shrunk> shrink_in(run::Session& session,
                              const plan::Case& cell,
                              const run::Confirm& confirm) {
  Json plan = {{"seed", 0}, {"cases", Json::array()}, {"excluded", Json::array()}};
  Status kept;
  return run::shrink(
      cell,
      cell.again.front(),
      confirm,
      [&](const plan::Case& one) -> Result<std::vector<check::TrialVerdict>> {
        TRY(kept, "results");
        if (session.stopped()) {
          return fail(ErrorCode::refused,
                      session.dirty() ? "a node could not be healed; `hookshot heal` says which"
                                      : "stopped before it came to an end");
        }
        TRY_ASSIGN(const auto trials, session.trial(one, one.shot), "trial");
        session.progress().line(
            fmt::format("  {}: {}", check::to_string(trials.back().verdict), trials.back().reason));
        return trials;
      },
      [&](const plan::Case& one) {
        session.recorder().put({{"type", "case.started"}, {"name", one.name}});
        plan["cases"].push_back(one.to_json());
        plan["cases"].back()["hits"] = confirm.of;
        plan["cases"].back()["attempts"] = 3 * confirm.of;
        kept = session.plan(plan);
      });
}

int show(const Options& options,
         const run::Confirm& confirm,
         const run::Shrunk& shrunk,
         const run::RunFolder& folder) {
  const std::string suite = (folder.path() / "smallest.yaml").string();
  Json out = shrunk.to_json();
  out["results"] = folder.path().string();
  if (shrunk.reproduced) {
    if (const Status written =
            folder.write("smallest.yaml", run::suite_text(shrunk.smallest, confirm));
        !written) {
      return fail_with(written.error());
    }
    out["suite"] = suite;
    out["command"] = {"hookshot", "run", suite, "-i", options.inventory};
  }
  const std::string text = out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (const Status written = folder.write("shrink.json", text); !written) {
    return fail_with(written.error());
  }
  if (options.json) {
    print_text(text);
  } else {
    print_out(
        "\n{}Results: {}\n",
        shrunk.describe(confirm, fmt::format("hookshot run {} -i {}", suite, options.inventory)),
        folder.path().string());
  }
  return shrunk.reproduced ? kPassed : kUnproven;
}

int shrink_case(const Options& options) {
  const auto inventory = inventory::load(options.inventory);
  if (!inventory) {
    return fail_with(inventory.error());
  }
  const auto confirm = run::Confirm::parse(options.confirm);
  if (!confirm) {
    return fail_with(confirm.error());
  }
  if (const Status allowed = run::Session::allowed(*inventory); !allowed) {
    return fail_with(allowed.error());
  }
  const auto failing = failing_case(options, *inventory);
  if (!failing) {
    return fail_with(failing.error());
  }
  const plan::Case& cell = failing->cell;
  run::RunOptions with = run_options(options.results, options.json);
  with.again = run::shrink_command(failing->trial, options.inventory, *confirm);
  if (const Status set = set_time_limit(with, options.time_limit); !set) {
    return fail_with(set.error());
  }
  run::Interrupt interrupt;
  run::Session session(*inventory, with, interrupt);
  const Json nothing_yet = {{"seed", 0}, {"cases", Json::array()}, {"excluded", Json::array()}};
  const Status opened = session.open("shrink", 0, nothing_yet, {cell.from, cell.to}, confirm->of);
  const auto shrunk =
      opened ? shrink_in(session, cell, *confirm) : Result<run::Shrunk>(fail(opened.error()));
  if (!session.has_folder()) {
    return fail_with(shrunk.error());
  }
  const auto end = session.close(shrunk ? Status() : Status(fail(shrunk.error())));
  const auto told = [&]() -> int {
    if (interrupt.exit_status() != 0) {
      fail_with(shrunk ? Error(ErrorCode::refused, "stopped before the result was written")
                       : shrunk.error());
      return interrupt.exit_status();
    }
    if (!shrunk || !end) {
      return fail_with(!shrunk ? shrunk.error() : end.error());
    }
    const auto folder = run::RunFolder::open(end->folder);
    return folder ? show(options, *confirm, *shrunk, *folder) : fail_with(folder.error());
  };
  const int status = told();
  return session.dirty() ? kUnhealed : status;
}

}  // namespace

void add_shrink(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "shrink", "Find the smallest set of a failing case's faults that still fails");
  verb->add_option("RUN:CASE", options->spec, "A results folder and a case of it that failed")
      ->required();
  inventory_option(*verb, options->inventory);
  verb->add_option(
          "--confirm", options->confirm, "K/N: a set of faults fails when K of N hits of it failed")
      ->capture_default_str();
  verb->add_option("--time-limit", options->time_limit, "Stop and heal after this long, e.g. 90m");
  verb->add_option("--results", options->results, "Where run folders go")->capture_default_str();
  verb->add_flag("--json", options->json, "As JSON");
  verb->footer(
      "Each set is tried at the anchors of the case's first failing trial (or RUN:CASE:TRIAL). "
      "Exit status 0: found; 4: the failure did not come again; 5: a node could not be healed; "
      "smallest.yaml in the results "
      "is a suite of what was found.");
  verb->callback([options, &action] { action = [options] { return shrink_case(*options); }; });
}

}  // namespace harness::cli
