#include "harness/plan/plan.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "harness/base/seed.h"
#include "harness/event/marker.h"
#include "harness/plan/aiming.h"
#include "harness/plan/naming.h"
#include "harness/plan/targets.h"
#include "harness/yaml/reader.h"

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
  void add_path(const Suite& suite,
                const Path& path,
                const std::vector<const inventory::Node*>& targets,
                yaml::Problems& problems);
  void add_target(const Written& from,
                  const WindowPack& pack,
                  const std::string& window,
                  const inventory::Node& node,
                  Case cell,
                  yaml::Problems& problems);
  void add_cell(const Written& from,
                Case cell,
                const std::string& impossible,
                yaml::Problems& problems);
  // What the offsets come to; false: a problem was added.
  static bool aim(const Written& from, Case& cell, yaml::Problems& problems);
  const Exclusion* excluded_by(const Suite& suite, const Case& cell);

  const inventory::Inventory& inventory_;
  const std::vector<WindowPack>& packs_;
  const PlanOptions& options_;
  Plan plan_;
  std::set<std::string> kept_;  // what `keep: one` has let through
  std::set<std::string> planned_;
  Names names_;
};

std::string describe_fault(const Case& cell) {
  return FaultChoice{cell.fault, cell.params}.describe();
}

const Exclusion* Maker::excluded_by(const Suite& suite, const Case& cell) {
  for (const Exclusion& rule : suite.exclude) {
    const bool matches = (event::glob_matches(rule.fault, cell.fault) ||
                          event::glob_matches(rule.fault, describe_fault(cell))) &&
                         event::glob_matches(rule.window, cell.window.name) &&
                         event::glob_matches(rule.target, cell.target) &&
                         event::glob_matches(rule.path, cell.hop());
    if (!matches) {
      continue;
    }
    const std::string once =
        fmt::format("{} {} {}", static_cast<const void*>(&rule), cell.hop(), cell.target);
    if (rule.keep_one && kept_.insert(once).second) {
      continue;
    }
    return &rule;
  }
  return nullptr;
}

void Maker::add_cell(const Written& from,
                     Case cell,
                     const std::string& impossible,
                     yaml::Problems& problems) {
  cell.name = name_of(cell);
  if (cell.fault != "none" && !impossible.empty()) {
    plan_.excluded.push_back({cell.name, impossible});
    return;
  }
  if (const Exclusion* rule = excluded_by(from.suite, cell)) {
    plan_.excluded.push_back({cell.name, rule->reason});
    return;
  }
  if (cell.fault == "none") {
    cell.window = {};
    cell.offset = {};
    cell.seen = {};
    cell.companions.clear();
    cell.name = name_of(cell);
  }
  if (!names_.take(from, cell, problems)) {
    return;
  }
  if (cell.fault == "none" && planned_.contains(cell.name)) {
    plan_.excluded.push_back({cell.name, "the same case without a fault is planned already"});
    return;
  }
  if (!event::glob_matches(options_.filter, cell.name)) {
    plan_.excluded.push_back({cell.name, "left out by --filter " + options_.filter});
    return;
  }
  if (!planned_.insert(cell.name).second) {
    return;
  }
  if (options_.aimed && !aim(from, cell, problems)) {
    return;
  }
  cell.index = plan_.cases.size();
  plan_.cases.push_back(std::move(cell));
}

bool Maker::aim(const Written& from, Case& cell, yaml::Problems& problems) {
  if (const Status aimed = aim_at(from.offset, cell); !aimed) {
    problems.add(at(from.offset.place), aimed.error().message());
    return false;
  }
  for (std::size_t i = 0; i < cell.companions.size(); ++i) {
    if (const Status aimed = aim_companion(cell, cell.companions[i]); !aimed) {
      problems.add(at(from.suite.further[i].offset.place), aimed.error().message());
      return false;
    }
  }
  return true;
}

void Maker::add_target(const Written& from,
                       const WindowPack& pack,
                       const std::string& window,
                       const inventory::Node& node,
                       Case cell,
                       yaml::Problems& problems) {
  cell.target = node.name;
  cell.on_server = node.server;
  const inventory::Node* seen = &node;
  if (!from.suite.seen_on.text.empty()) {
    seen = seen_node(from.suite.seen_on, inventory_, problems);
    if (seen == nullptr) {
      return;
    }
    cell.seen = {seen->name, seen->server};
  }
  FoundWindow found = find_window(pack, window, cell.to, *seen, inventory_);
  cell.window = std::move(found.window);
  std::string impossible = std::move(found.impossible);
  if (impossible.empty()) {
    impossible = lacking(cell.fault, cell.params, inventory_);
  }
  if (impossible.empty() && cell.seen.elsewhere() && seen == &node) {
    impossible = fmt::format("{} is itself the node of `while`", node.name);
  }
  if (impossible.empty() && cell.seen.elsewhere() && cell.by_reboot) {
    impossible = unlike_a_boot("`while`");
  }
  if (cell.fault != "none") {
    add_companions(from.suite, pack, inventory_, cell, impossible, problems);
  }
  add_cell(from, std::move(cell), impossible, problems);
}

void Maker::add_path(const Suite& suite,
                     const Path& path,
                     const std::vector<const inventory::Node*>& targets,
                     yaml::Problems& problems) {
  const auto pack = pack_for(packs_, path.to);
  if (!pack) {
    problems.add(at(path.place), pack.error().message());
    return;
  }
  const auto watched = std::make_shared<const Watched>(Watched::of(packs_, path.to, inventory_));
  std::vector<Named> wanted = suite.windows;
  for (const Named& window : wanted) {
    check_window(*watched, window, path.to, problems);
  }
  if (!problems.none()) {
    return;
  }
  if (wanted.empty()) {
    wanted.emplace_back();
  }
  for (const FaultChoice& fault : suite.faults) {
    for (const Named& window : wanted) {
      for (const OffsetChoice& offset : suite.offsets) {
        for (const inventory::Node* target : targets) {
          add_target({suite, path, offset},
                     **pack,
                     window.text,
                     *target,
                     Case{.suite = suite.name,
                          .from = path.from,
                          .to = path.to,
                          .by_reboot = path.by_reboot,
                          .expect = path.expect,
                          .issue = path.issue,
                          .because = path.because,
                          .fatal = path.fatal,
                          .fault = fault.name,
                          .params = fault.params,
                          .stretch = fault.stretch,
                          .with_keys = fault.with_keys,
                          .watched = watched,
                          .offset = offset.at,
                          .lengths = options_.lengths,
                          .hits = suite.hits,
                          .attempts = suite.attempts,
                          .budget = suite.budget},
                     problems);
        }
      }
    }
  }
}

Status Maker::add(const Suite& suite) {
  yaml::Problems problems(suite.file);
  const bool harms = std::ranges::any_of(
      suite.faults, [](const FaultChoice& fault) { return fault.name != "none"; });
  if (suite.windows.empty() && harms) {
    problems.add(at(suite.matrix), "matrix needs the key 'window' for faults other than none");
  }
  const Targets targets = targets_of(suite, inventory_, problems);
  plan_.excluded.insert(plan_.excluded.end(), targets.none.begin(), targets.none.end());
  for (const Path& path : suite.paths) {
    add_path(suite, path, targets.nodes, problems);
  }
  return problems.status();
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

Result<Plan> make(const std::vector<Suite>& suites,
                  const inventory::Inventory& inventory,
                  const std::vector<WindowPack>& packs,
                  const PlanOptions& options) {
  Maker maker(inventory, packs, options);
  for (const Suite& suite : suites) {
    TRY(maker.add(suite), "suite");
  }
  return maker.take();
}

}  // namespace harness::plan
