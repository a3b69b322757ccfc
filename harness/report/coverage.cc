#include "harness/report/coverage.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "harness/base/restart.h"
#include "harness/base/version.h"
#include "harness/report/report.h"

namespace harness::report {
namespace {

using Window = std::pair<std::string, std::string>;  // its name and whose it is
using Key = std::tuple<std::string, Window, std::string, std::string>;

template <typename Cell>
Key key_of(const Cell& one) {
  return {one.hop, {one.window, one.seen_on}, one.fault, one.target};
}

struct Axes {
  std::set<std::string> hops;
  std::set<Window> windows;
  std::set<std::string> faults;
  std::set<std::string> targets;

  template <typename Cell>
  void add(const Cell& one) {
    hops.insert(one.hop);
    windows.insert({one.window, one.seen_on});
    faults.insert(one.fault);
    targets.insert(one.target);
  }
};

// An offset of plan.json as an aim is written; a percentage without its length stays one.
std::string aim_text(const std::string& offset) {
  const bool as_is = offset.starts_with('-') || offset.ends_with('%') || offset == "sweep";
  return offset == "0%" ? "+0s" : (as_is ? "" : "+") + offset;
}

std::string fault_of(const Json& cell) {
  std::string out = json_string(cell, "fault") + parameters_text(json_object(cell, "params"));
  for (const Json& more : cell.value("companions", Json::array())) {
    out += fmt::format(" with {}{} at {} {}",
                       json_string(more, "fault"),
                       parameters_text(json_object(more, "params")),
                       json_string(more, "window"),
                       aim_text(json_string(more, "offset")));
  }
  return out;
}

std::string hop_of(const Json& cell) {
  const Json path = cell.value("path", Json::array());
  return path.size() == 2 && path[0].is_string() && path[1].is_string()
             ? hop_text(path[0].get<std::string>(), path[1].get<std::string>(), is_by_reboot(cell))
             : "";
}

// As instants_of writes it; a trial that ended in an error is written alike.
std::optional<Instant> written_by(const check::CaseVerdict& one) {
  for (check::TrialVerdict trial : one.trials) {
    trial.verdict = check::Verdict::unproven;
    check::CaseVerdict alone;
    alone.trials.push_back(std::move(trial));
    if (auto instants = instants_of({alone}); !instants.empty()) {
      return std::move(instants.front());
    }
  }
  return std::nullopt;
}

int count_of(const check::CaseVerdict& one, check::Verdict verdict) {
  return static_cast<int>(std::ranges::count(one.trials, verdict, &check::TrialVerdict::verdict));
}

}  // namespace

std::vector<PlannedCell> planned_cells(const Json& plan,
                                       const std::vector<check::CaseVerdict>& cases) {
  std::vector<PlannedCell> out;
  for (const Json& cell : plan.value("cases", Json::array())) {
    if (json_string(cell, "window").empty()) {
      continue;
    }
    PlannedCell planned{.hop = hop_of(cell),
                        .fault = fault_of(cell),
                        .window = json_string(cell, "window"),
                        .target = json_string(cell, "target"),
                        .seen_on = json_string(cell, "while")};
    const auto ran = std::ranges::find(cases, json_string(cell, "name"), &check::CaseVerdict::name);
    if (ran != cases.end()) {
      if (const auto written = written_by(*ran)) {
        planned.fault = written->fault;
      }
      planned.errors = count_of(*ran, check::Verdict::error);
      planned.skips = count_of(*ran, check::Verdict::skip);
    }
    out.push_back(std::move(planned));
  }
  return out;
}

std::vector<CoverageRow> coverage(const std::vector<PlannedCell>& planned,
                                  const std::vector<Instant>& instants) {
  Axes axes;
  std::map<Key, CoverageRow> seen;
  std::set<Key> in_plan;
  for (const PlannedCell& one : planned) {
    axes.add(one);
    in_plan.insert(key_of(one));
    CoverageRow& row = seen[key_of(one)];
    row.errors += one.errors;
    row.skips += one.skips;
  }
  for (const Instant& one : instants) {
    if (one.window.empty()) {
      continue;
    }
    axes.add(one);
    in_plan.insert(key_of(one));
    CoverageRow& row = seen[key_of(one)];
    if (one.stretched) {
      ++row.stretched;
      continue;
    }
    if (one.before || one.after) {
      ++row.beside;
      continue;
    }
    ++row.trials;
    row.hits += one.hit && !one.unproven_hit() ? 1 : 0;
    row.unproven += one.unproven_hit() ? 1 : 0;
    row.misses += one.hit ? 0 : 1;
    row.fails += one.hit && one.verdict == check::Verdict::fail ? 1 : 0;
  }
  std::vector<CoverageRow> out;
  for (const std::string& hop : axes.hops) {
    for (const Window& window : axes.windows) {
      for (const std::string& fault : axes.faults) {
        for (const std::string& target : axes.targets) {
          const Key key{hop, window, fault, target};
          CoverageRow row = seen[key];
          row.hop = hop;
          row.fault = fault;
          std::tie(row.window, row.seen_on) = window;
          row.target = target;
          row.planned = in_plan.contains(key);
          out.push_back(std::move(row));
        }
      }
    }
  }
  return out;
}

std::string in_words(const CoverageRow& row) {
  std::string out =
      row.hits + row.unproven > 0
          ? fmt::format("{} hit(s), {} miss(es), {} not survived", row.hits, row.misses, row.fails)
      : row.trials > 0 ? fmt::format("tried, never hit: {} trial(s)", row.trials)
      : row.planned    ? "never tried"
                       : "never tried, not in the plan";
  for (const auto& [count, what] : {std::pair(row.unproven, "hit without enough facts"),
                                    {row.stretched, "in a stretched window"},
                                    {row.beside, "aimed before or after it"},
                                    {row.errors, "ended in an error"},
                                    {row.skips, "skipped, the node cannot do it"}}) {
    out += count > 0 ? fmt::format("; {} trial(s) {}", count, what) : "";
  }
  return out;
}

std::string to_text(const std::vector<CoverageRow>& rows) {
  std::string out;
  for (const CoverageRow& row : rows) {
    out += fmt::format(
        "{:<20} {:<36} {:<10} {}: {}\n",
        table_cell(row.window) + (row.seen_on.empty() ? "" : " of " + table_cell(row.seen_on)),
        table_cell(row.fault),
        table_cell(row.target),
        table_cell(row.hop),
        in_words(row));
  }
  return out;
}

Json to_json(const std::vector<CoverageRow>& rows) {
  Json out = Json::array();
  for (const CoverageRow& row : rows) {
    Json one = {{"hop", row.hop},
                {"fault", row.fault},
                {"window", row.window},
                {"target", row.target},
                {"planned", row.planned},
                {"trials", row.trials},
                {"hits", row.hits},
                {"misses", row.misses},
                {"fails", row.fails},
                {"unproven", row.unproven},
                {"stretched", row.stretched},
                {"beside", row.beside},
                {"errors", row.errors},
                {"skips", row.skips}};
    if (!row.seen_on.empty()) {
      one["while"] = row.seen_on;
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<PlannedCell> planned_from_json(const Json& rows) {
  std::vector<PlannedCell> out;
  for (const Json& row : rows) {
    if (json_bool(row, "planned")) {
      out.push_back({.hop = json_string(row, "hop"),
                     .fault = json_string(row, "fault"),
                     .window = json_string(row, "window"),
                     .target = json_string(row, "target"),
                     .seen_on = json_string(row, "while"),
                     .errors = static_cast<int>(json_int(row, "errors")),
                     .skips = static_cast<int>(json_int(row, "skips"))});
    }
  }
  return out;
}

}  // namespace harness::report
