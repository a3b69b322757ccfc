#include "harness/plan/plan.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "harness/base/seed.h"
#include "harness/event/marker.h"

namespace harness::plan {
namespace {

class Maker {
 public:
  Maker(const inventory::Inventory& inventory,
        const std::vector<WindowPack>& packs,
        const PlanOptions& options)
      : inventory_(inventory), packs_(packs), options_(options) {}

  Status add(const Suite& suite);
  Plan take();

 private:
  Result<std::vector<std::string>> targets_of(const Suite& suite);
  Status add_path(const Suite& suite, const Path& path, const std::vector<std::string>& targets);
  void add_cell(const Suite& suite, Case cell);
  const Exclusion* excluded_by(const Suite& suite, const Case& cell);

  const inventory::Inventory& inventory_;
  const std::vector<WindowPack>& packs_;
  const PlanOptions& options_;
  Plan plan_;
  std::set<std::string> kept_;  // what `keep: one` has let through
  std::set<std::string> names_;
};

std::string describe_fault(const Case& cell) {
  return FaultChoice{cell.fault, cell.params}.describe();
}

std::string name_of(const Case& cell) {
  std::string name =
      fmt::format("{}/{}_to_{}/{}", cell.suite, cell.from.tag(), cell.to.tag(), cell.fault);
  for (const auto& [key, value] : cell.params) {
    name += "." + value;
  }
  if (!cell.window.name.empty()) {
    name += fmt::format("/{}+{}", cell.window.name, format_duration(cell.offset));
  }
  return name + "/" + cell.target;
}

Result<std::vector<std::string>> Maker::targets_of(const Suite& suite) {
  std::vector<std::string> out;
  for (const std::string& rule : suite.targets) {
    const std::size_t before = out.size();
    bool first = true;
    for (const inventory::Node& node : inventory_.nodes) {
      const bool take = rule == "all" || rule == node.name ||
                        (rule == "each-server" && node.server) ||
                        (rule == "each-agent" && !node.server) ||
                        (rule == "first-server" && node.server && first);
      first = first && !node.server;
      if (take && std::ranges::find(out, node.name) == out.end()) {
        out.push_back(node.name);
      }
    }
    if (out.size() == before && rule == "each-agent") {
      plan_.excluded.push_back({suite.name + "/*/" + rule, "the inventory has no agent"});
    } else if (out.size() == before) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{}: target '{}' is no node of {} and none of each-server, "
                              "first-server, each-agent, all",
                              suite.file,
                              rule,
                              inventory_.file));
    }
  }
  return out;
}

const Exclusion* Maker::excluded_by(const Suite& suite, const Case& cell) {
  for (const Exclusion& rule : suite.exclude) {
    const bool matches = (event::glob_matches(rule.fault, cell.fault) ||
                          event::glob_matches(rule.fault, describe_fault(cell))) &&
                         event::glob_matches(rule.window, cell.window.name) &&
                         event::glob_matches(rule.target, cell.target) &&
                         event::glob_matches(rule.path, cell.from.tag() + " to " + cell.to.tag());
    if (!matches) {
      continue;
    }
    const std::string once = fmt::format("{} {} {} {}",
                                         static_cast<const void*>(&rule),
                                         cell.from.tag(),
                                         cell.to.tag(),
                                         cell.target);
    if (rule.keep_one && kept_.insert(once).second) {
      continue;
    }
    return &rule;
  }
  return nullptr;
}

void Maker::add_cell(const Suite& suite, Case cell) {
  cell.name = name_of(cell);
  if (const Exclusion* rule = excluded_by(suite, cell)) {
    plan_.excluded.push_back({cell.name, rule->reason});
    return;
  }
  if (cell.fault == "none") {
    cell.window = {};
    cell.offset = Microseconds(0);
    cell.name = name_of(cell);
    if (names_.contains(cell.name)) {
      plan_.excluded.push_back({cell.name, "the same case without a fault is planned already"});
      return;
    }
  }
  if (!event::glob_matches(options_.filter, cell.name)) {
    plan_.excluded.push_back({cell.name, "left out by --filter " + options_.filter});
    return;
  }
  if (!names_.insert(cell.name).second) {
    return;
  }
  cell.index = plan_.cases.size();
  plan_.cases.push_back(std::move(cell));
}

Status Maker::add_path(const Suite& suite,
                       const Path& path,
                       const std::vector<std::string>& targets) {
  TRY_ASSIGN(const std::vector<event::WindowDef> known, windows_for(packs_, path.to), suite.file);
  std::vector<event::WindowDef> wanted;
  for (const std::string& name : suite.windows) {
    const auto found = std::ranges::find(known, name, &event::WindowDef::name);
    if (found == known.end()) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{}: {} has no window '{}'; `hookshot windows` lists them",
                              suite.file,
                              path.to.tag(),
                              name));
    }
    wanted.push_back(*found);
  }
  const bool harms = std::ranges::any_of(
      suite.faults, [](const FaultChoice& fault) { return fault.name != "none"; });
  if (wanted.empty() && harms) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("{}: matrix needs the key 'window' for faults other than none", suite.file));
  }
  if (wanted.empty()) {
    wanted.emplace_back();
  }
  for (const FaultChoice& fault : suite.faults) {
    for (const event::WindowDef& window : wanted) {
      for (const Microseconds offset : suite.offsets) {
        for (const std::string& target : targets) {
          add_cell(suite,
                   Case{.suite = suite.name,
                        .from = path.from,
                        .to = path.to,
                        .expect = path.expect,
                        .issue = path.issue,
                        .fault = fault.name,
                        .params = fault.params,
                        .window = window,
                        .windows = known,
                        .offset = offset,
                        .target = target,
                        .hits = suite.hits,
                        .attempts = suite.attempts,
                        .budget = suite.budget});
        }
      }
    }
  }
  return {};
}

Status Maker::add(const Suite& suite) {
  TRY_ASSIGN(const std::vector<std::string> targets, targets_of(suite), "plan");
  for (const Path& path : suite.paths) {
    TRY(add_path(suite, path, targets), "plan");
  }
  return {};
}

Plan Maker::take() {
  plan_.seed = options_.seed;
  if (options_.shuffle) {
    auto stream = Seed(options_.seed).stream("order");
    for (std::size_t i = plan_.cases.size(); i > 1; --i) {
      std::swap(plan_.cases[i - 1], plan_.cases[stream() % i]);
    }
  }
  return std::move(plan_);
}

}  // namespace

Json Case::to_json() const {
  Json parameters = Json::object();
  for (const auto& [key, value] : params) {
    parameters[key] = value;
  }
  return {{"name", name},
          {"suite", suite},
          {"path", {from.tag(), to.tag()}},
          {"expect", std::string(to_string(expect))},
          {"issue", issue},
          {"fault", fault},
          {"params", parameters},
          {"window", window.name},
          {"offset", format_duration(offset)},
          {"target", target},
          {"hits", hits},
          {"attempts", attempts}};
}

Json Plan::to_json() const {
  Json out = {{"seed", seed}, {"cases", Json::array()}, {"excluded", Json::array()}};
  for (const Case& cell : cases) {
    out["cases"].push_back(cell.to_json());
  }
  for (const Excluded& cell : excluded) {
    out["excluded"].push_back({{"name", cell.name}, {"reason", cell.reason}});
  }
  return out;
}

Result<Plan> make(const std::vector<Suite>& suites,
                  const inventory::Inventory& inventory,
                  const std::vector<WindowPack>& packs,
                  const PlanOptions& options) {
  Maker maker(inventory, packs, options);
  for (const Suite& suite : suites) {
    TRY(maker.add(suite), "suite " + suite.name);
  }
  return maker.take();
}

}  // namespace harness::plan
