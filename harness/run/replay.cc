#include "harness/run/replay.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/event/event.h"
#include "harness/event/log.h"
#include "harness/event/marker.h"
#include "harness/run/judgement.h"

namespace harness::run {
namespace {

// A trial of the earlier run: what it aimed at, and what it came to.
struct Recorded {
  plan::Shot shot;
  bool proved = false;  // it hit and was judged
  std::string reason = "it was not judged";
};

using Shots = std::map<std::string, std::map<int, Recorded>>;

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

// What the plan left open of a case comes from its trials, which were all aimed alike but for the
// first fault of a sweep. What proved nothing then need not now.
Status aim_again(plan::Case& cell, std::map<int, Recorded>& trials, const std::string& run) {
  cell.hits = 0;
  for (auto& [number, recorded] : trials) {
    plan::Shot& shot = recorded.shot;
    if (shot.companions.size() != cell.companions.size()) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{} has {} further fault(s) and had {} in {}: its suite has changed",
                              cell.name,
                              cell.companions.size(),
                              shot.companions.size(),
                              run));
    }
    for (std::size_t i = 0; i < cell.companions.size(); ++i) {
      cell.companions[i].shot = shot.companions[i];
    }
    if (recorded.proved) {
      ++cell.hits;
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

Result<ReplaySpec> ReplaySpec::parse(std::string_view text) {
  ReplaySpec out;
  const std::size_t first = text.find(':');
  out.run = text.substr(0, first);
  if (first != std::string_view::npos) {
    const std::string_view rest = text.substr(first + 1);
    const std::size_t second = rest.find(':');
    out.case_name = rest.substr(0, second);
    if (second != std::string_view::npos) {
      const std::string_view number = rest.substr(second + 1);
      const char* end = number.data() + number.size();
      const auto [at, problem] = std::from_chars(number.data(), end, out.trial);
      if (problem != std::errc() || at != end || out.trial < 1) {
        return fail(
            ErrorCode::invalid_input,
            fmt::format("'{}' is no trial; RUN[:CASE[:TRIAL]], trials count from 1", number));
      }
    }
  }
  if (out.run.empty()) {
    return fail(ErrorCode::invalid_input, "no run is named; RUN[:CASE[:TRIAL]]");
  }
  return out;
}

std::string ReplaySpec::text() const {
  return run.string() + (case_name.empty() ? "" : ":" + case_name) +
         (trial == 0 ? "" : ":" + std::to_string(trial));
}

Result<std::vector<std::string>> suites_of(const RunFolder& folder) {
  TRY_ASSIGN(const Json run, folder.read("run.json"), "replay");
  std::vector<std::string> out = RunFolder::words(run, "suites");
  if (const auto again = RunFolder::words(run, "again"); !again.empty()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} ran no suite but `{}`; name the run that is named there",
                            folder.name(),
                            fmt::join(again, " ")));
  }
  if (out.empty()) {
    return fail(ErrorCode::invalid_input, folder.name() + " does not say which suites it ran");
  }
  return out;
}

Result<plan::Plan> replay(const RunFolder& folder,
                          const ReplaySpec& spec,
                          plan::Plan plan,
                          const std::string& filter) {
  TRY_ASSIGN(Shots shots, shots_of(folder, spec), "replay");
  if (shots.empty()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} has no trial{}{}",
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
    TRY(aim_again(cell, trials, folder.name()), "replay");
    cell.sweep.reset();
    cell.index = out.cases.size();
    out.cases.push_back(std::move(cell));
  }
  return out;
}

}  // namespace harness::run
