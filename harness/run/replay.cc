#include "harness/run/replay.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/event/event.h"
#include "harness/event/log.h"
#include "harness/event/marker.h"
#include "harness/run/judgement.h"

namespace harness::run {
namespace {

// A trial of the earlier run: what it armed and aimed at, and what it came to.
struct Recorded {
  std::vector<std::string> faults;
  plan::Shot shot;
  bool proved = false;  // it hit and was judged
  std::string reason = "it was not judged";
};

using Shots = std::map<std::string, std::map<int, Recorded>>;

std::string fault_in(const Json& told) {
  plan::FaultChoice out{.name = json_string(told, "fault"), .params = {}};
  const Json params = json_object(told, "params");
  for (const auto& [key, value] : params.items()) {
    out.params[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return out.describe();
}

Result<plan::Shot> companion_in(const Json& told) {
  plan::Shot out;
  TRY_ASSIGN(out.anchor, plan::anchor_from_json(told.value("anchor", Json::object())), "anchor");
  TRY_ASSIGN(out.aim, aim::parse_aim(json_string(told, "aim")), "aim");
  return out;
}

Result<Recorded> recorded_in(const Json& event, std::string replays) {
  Recorded out;
  out.shot.aim = {aim::where_from(json_string(event, "where")),
                  Microseconds(json_int(event, "distance_us"))};
  out.shot.replays = std::move(replays);
  out.faults.push_back(fault_in(event));
  if (event.contains("anchor")) {
    TRY_ASSIGN(out.shot.anchor, plan::anchor_from_json(event["anchor"]), "anchor");
  } else if (!json_string(event, "window").empty()) {
    return fail(ErrorCode::invalid_input,
                "the run did not record its anchors; it was made by an earlier release");
  }
  if (event.contains("learned_us")) {
    out.shot.learned_us = json_int(event, "learned_us");
  }
  for (const Json& more : event.value("companions", Json::array())) {
    TRY_ASSIGN(plan::Shot companion, companion_in(more), json_string(more, "fault"));
    out.shot.companions.push_back(std::move(companion));
    out.faults.push_back(fault_in(more));
  }
  return out;
}

Result<Shots> shots_of(const RunFolder& folder, const ReplaySpec& spec) {
  Shots out;
  Status readable;
  TRY(event::read_events(folder.events(),
                         [&](const Json& event) {
                           const std::string name = json_string(event, "case");
                           const auto trial = static_cast<int>(json_int(event, "trial"));
                           if (json_string(event, "type") != event::type::kTrialStarted ||
                               (!spec.case_name.empty() && name != spec.case_name) ||
                               (spec.trial != 0 && trial != spec.trial)) {
                             return;
                           }
                           std::string replays =
                               fmt::format("{}:{}:{}", folder.name(), name, trial);
                           auto recorded = recorded_in(event, replays);
                           if (recorded) {
                             out[name].insert_or_assign(trial, *std::move(recorded));
                           } else {
                             readable = fail(Error(recorded.error()).prepend(replays));
                           }
                         }),
      folder.name());
  TRY(readable, "replay");
  return out;
}

// Where each fault of those trials landed, and which of them hit.
void add_ends(const report::Model& model, Shots& shots) {
  for (const check::CaseVerdict& one : model.cases) {
    for (const check::TrialVerdict& trial : one.trials) {
      const auto found = shots.find(one.name);
      if (found == shots.end() || !found->second.contains(trial.trial)) {
        continue;
      }
      Recorded& recorded = found->second.at(trial.trial);
      recorded.proved = trial.hit && trial.counts;
      recorded.reason = trial.reason;
      recorded.shot.original_us = trial.landed_us;
      std::vector<plan::Shot>& companions = recorded.shot.companions;
      for (std::size_t i = 0; i < std::min(companions.size(), trial.companions.size()); ++i) {
        companions[i].original_us = trial.companions[i].landed_us;
      }
    }
  }
}

// Of the recorded cases those that the filter takes; the others are left out of the plan.
Status choose(Shots& shots, const std::string& filter, const std::string& run, plan::Plan& plan) {
  std::string names;
  for (const auto& [name, trials] : shots) {
    names += "\n  " + name;
    if (!event::glob_matches(filter, name)) {
      plan.excluded.push_back({name, "left out by --filter " + filter});
    }
  }
  for (const plan::Excluded& one : plan.excluded) {
    shots.erase(one.name);
  }
  if (shots.empty()) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format(
            "--filter {} takes none of the cases that {} has trials of:{}", filter, run, names));
  }
  return {};
}

// A name does not hold all of what is armed.
Status check_same(const plan::Case& cell, const Recorded& recorded) {
  std::vector<std::string> now = {plan::FaultChoice{cell.fault, cell.params}.describe()};
  for (const plan::Companion& one : cell.companions) {
    now.push_back(plan::FaultChoice{one.fault, one.params}.describe());
  }
  if (now == recorded.faults) {
    return {};
  }
  return fail(ErrorCode::invalid_input,
              fmt::format("its suite has changed: {} was shot with {} and would be with {} now; "
                          "put back what its suite said then, or run the suite anew",
                          recorded.shot.replays,
                          fmt::join(recorded.faults, " and "),
                          fmt::join(now, " and ")));
}

// What the plan left open of a case comes from its trials, which were all aimed alike but for the
// first fault of a sweep. What proved nothing then need not now, and what was aimed beside a window
// is no hit where another was aimed inside.
Status aim_again(plan::Case& cell, std::map<int, Recorded>& trials) {
  cell.hits = 0;
  const auto beside = [](const Recorded& one) {
    return one.shot.aim.where != aim::Aim::Where::inside;
  };
  const bool all_beside =
      std::ranges::all_of(trials, [&](const auto& one) { return beside(one.second); });
  for (auto& [number, recorded] : trials) {
    TRY(check_same(cell, recorded), cell.name);
    plan::Shot& shot = recorded.shot;
    for (std::size_t i = 0; i < cell.companions.size(); ++i) {
      cell.companions[i].shot = shot.companions[i];
    }
    if (recorded.proved) {
      cell.hits += all_beside || !beside(recorded) ? 1 : 0;
    } else {
      shot.why =
          fmt::format("shot again, though {} proved nothing: {}", shot.replays, recorded.reason);
    }
    cell.again.push_back(std::move(shot));
  }
  cell.hits = std::max(cell.hits, 1);
  cell.attempts = static_cast<int>(cell.again.size());
  cell.shot = cell.again.front();
  cell.shot.companions.clear();
  return {};
}

}  // namespace

Result<plan::Plan> replay(const RunFolder& folder,
                          const ReplaySpec& spec,
                          plan::Plan plan,
                          const std::string& filter) {
  TRY_ASSIGN(Shots shots, shots_of(folder, spec), "replay");
  if (shots.empty()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} has no trial{}{}; its report lists the cases and their trials",
                            folder.name(),
                            spec.case_name.empty() ? "" : " of " + spec.case_name,
                            spec.trial == 0 ? "" : fmt::format(" with number {}", spec.trial)));
  }
  TRY_ASSIGN(const report::Model model, judge(folder), "replay");
  add_ends(model, shots);
  plan::Plan out{.seed = plan.seed, .cases = {}, .excluded = {}};
  TRY(choose(shots, filter, folder.name(), out), "replay");
  for (auto& [name, trials] : shots) {
    const auto found = std::ranges::find(plan.cases, name, &plan::Case::name);
    if (found == plan.cases.end()) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{} is not planned any more: its suite or the inventory has changed "
                              "since {}",
                              name,
                              folder.name()));
    }
    plan::Case cell = *found;
    TRY(aim_again(cell, trials), "replay");
    cell.sweep.reset();
    cell.index = out.cases.size();
    out.cases.push_back(std::move(cell));
  }
  return out;
}

}  // namespace harness::run
