#include "harness/run/conductor.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/run/hosting.h"
#include "harness/run/shots.h"

namespace harness::run {
namespace {

std::string suites_of(const plan::Plan& plan) {
  std::set<std::string> names;
  for (const plan::Case& cell : plan.cases) {
    names.insert(cell.suite);
  }
  return fmt::format("{}", fmt::join(names, "+"));
}

// The plan as it runs: repeated, and without what GoogleTest's filter or shard left out.
Json plan_json(const plan::Plan& plan, int repeat, const std::vector<const plan::Case*>& selected) {
  Json out = plan.to_json();
  Json cases = Json::array();
  for (Json& cell : out["cases"]) {
    const std::string name = json_string(cell, "name");
    if (std::ranges::find(selected, name, [](const plan::Case* one) { return one->name; }) ==
        selected.end()) {
      out["excluded"].push_back(
          {{"name", name}, {"reason", "left out by --gtest_filter or by the shard"}});
      continue;
    }
    cell["hits"] = json_int(cell, "hits", 1) * repeat;
    cell["attempts"] = json_int(cell, "attempts", 1) * repeat;
    cases.push_back(std::move(cell));
  }
  out["cases"] = std::move(cases);
  return out;
}

int trials_wanted(const std::vector<const plan::Case*>& selected) {
  int out = 0;
  for (const plan::Case* cell : selected) {
    out += cell->again.empty() ? cell->hits : static_cast<int>(cell->again.size());
  }
  return out;
}

std::vector<Version> versions_of(const std::vector<const plan::Case*>& selected) {
  std::vector<Version> out;
  for (const plan::Case* cell : selected) {
    out.push_back(cell->from);
    out.push_back(cell->to);
  }
  return out;
}

// Trials until enough have landed, and the verdict of all of them. Of those of an earlier round of
// --gtest_repeat only the numbers go on.
CaseEnd run_case(Session& session, const plan::Case& cell, int repeat) {
  session.recorder().put({{"type", "case.started"}, {"name", cell.name}});
  Json json = cell.to_json();
  json["hits"] = cell.hits * repeat;
  const auto planned = check::Planned::from_json(json);
  Progress& progress = session.progress();
  Shots shots(cell, repeat);
  const auto earlier = static_cast<std::ptrdiff_t>(session.trials(cell).size());
  std::vector<check::TrialVerdict> trials;
  int errors = 0;  // in a row
  while (errors < 2 && !session.stopped()) {
    const auto shot = shots.next();
    if (!shot) {
      break;
    }
    if (!shot->why.empty()) {
      progress.line(fmt::format("  aimed at {}: {}", aim::to_string(shot->aim), shot->why));
    }
    const auto all = session.trial(cell, *shot);
    if (!all) {
      session.end(all.error().message());
      break;
    }
    trials.assign(all->begin() + earlier, all->end());
    const check::TrialVerdict& last = trials.back();
    progress.line(fmt::format("  {}: {}", check::to_string(last.verdict), last.reason));
    shots.landed(trials, planned);
    errors = last.verdict == check::Verdict::error ? errors + 1 : 0;
    if (last.verdict == check::Verdict::skip) {
      break;
    }
  }
  if (!shots.why().empty()) {
    progress.line("  " + shots.why());
  }
  if (trials.empty()) {
    return {.verdict = check::Verdict::skip, .reason = "the run was stopped before this case"};
  }
  const check::CaseVerdict verdict = check::fold(planned, trials);
  progress.line(
      fmt::format("{} {}: {}", check::to_string(verdict.verdict), cell.name, verdict.reason));
  return {.verdict = verdict.verdict, .reason = verdict.reason};
}

// By a signal or its time limit, and not by what went wrong in it.
bool stopped_from_outside(const Interrupt& interrupt) {
  return interrupt.exit_status() >= kTimeLimitPassed;
}

Result<RunEnd> run_hosted(const inventory::Inventory& inventory,
                          const plan::Plan& plan,
                          const RunOptions& options,
                          Interrupt& interrupt,
                          const Outside& outside) {
  if (plan.cases.empty()) {
    return fail(ErrorCode::invalid_input,
                "nothing is left to run; `hookshot plan` says what was left out and why");
  }
  TRY(check_gtest_flags(options.gtest_flags), "run");
  TRY(Session::allowed(inventory), "");
  Session session(inventory, options, interrupt, outside);
  const Hosted hosted = outside.host(
      plan.cases,
      options.gtest_flags,
      {.prepare =
           [&](const auto& selected) {
             return session.open(suites_of(plan),
                                 plan.seed,
                                 plan_json(plan, options.repeat, selected),
                                 versions_of(selected),
                                 trials_wanted(selected) * options.repeat);
           },
       .run_case =
           [&](const plan::Case& cell) { return run_case(session, cell, options.repeat); }});
  if (hosted.listed) {
    return RunEnd{.folder = {}, .exit_status = 0, .summary = {}};
  }
  if (!hosted.selected && hosted.sharded) {
    return RunEnd{.folder = {}, .exit_status = 0, .summary = "This shard has no case."};
  }
  if (!hosted.selected) {
    return fail(ErrorCode::invalid_input, "no case matches --gtest_filter; nothing was run");
  }
  if (!hosted.prepared) {
    if (session.has_folder()) {
      auto end = session.close(hosted.prepared);
      if (end && (session.dirty() || stopped_from_outside(interrupt))) {
        return end;
      }
    }
    return fail(Error(hosted.prepared.error()).prepend("run"));
  }
  return session.close({});
}

}  // namespace

Result<RunEnd> run(const inventory::Inventory& inventory,
                   const plan::Plan& plan,
                   const RunOptions& options,
                   Interrupt& interrupt,
                   const Outside& outside) {
  auto end = run_hosted(inventory, plan, options, interrupt, outside);
  if (!end && stopped_from_outside(interrupt)) {
    return RunEnd{
        .folder = {}, .exit_status = interrupt.exit_status(), .summary = end.error().message()};
  }
  return end;
}

}  // namespace harness::run
