#include "harness/plan/naming.h"

#include <fmt/format.h>

#include "harness/plan/targets.h"

namespace harness::plan {
namespace {

std::string fault_text(const std::string& fault, const Params& params, bool with_keys) {
  std::string out = fault;
  for (const auto& [key, value] : params) {
    out += "." + (with_keys ? key + "=" : "") + value;
  }
  return out;
}

std::string at_text(const event::WindowDef& window, const aim::Offset& at, const Seen& seen) {
  const std::string offset = aim::to_string(at);
  return fmt::format("{}{}{}{}",
                     window.name,
                     seen.elsewhere() ? ".of." + seen.node : "",
                     offset.starts_with('-') ? "" : "+",
                     offset);
}

Json offset_json(const aim::Offset& at, const aim::SweepPlan& sweep) {
  if (at.kind != aim::Offset::Kind::sweep) {
    return Json::array({at.duration.count(), at.percent});
  }
  return Json::array({sweep.resolution.count(),
                      sweep.around,
                      sweep.count,
                      sweep.time.count(),
                      sweep.confidence,
                      sweep.fail_rate});
}

std::string place_text(const std::string& file, const Place& place) {
  const yaml::Value where = at(place);
  return fmt::format("{}:{}:{}", file, where.line, where.column);
}

}  // namespace

void tell_apart(Suite& suite) {
  std::vector<FaultChoice*> faults;
  for (FaultChoice& fault : suite.faults) {
    faults.push_back(&fault);
  }
  for (FurtherFault& more : suite.further) {
    faults.push_back(&more.fault);
  }
  std::map<std::string, std::set<Params>> by_values;
  for (const FaultChoice* fault : faults) {
    by_values[fault_text(fault->name, fault->params, false)].insert(fault->params);
  }
  for (FaultChoice* fault : faults) {
    fault->with_keys = by_values[fault_text(fault->name, fault->params, false)].size() > 1;
  }
}

std::string name_of(const Case& cell) {
  std::string name = fmt::format("{}/{}_to_{}/", cell.suite, cell.from.tag(), cell.to.tag());
  name += cell.by_reboot ? "by-reboot/" : "";
  name += fault_text(cell.fault, cell.params, cell.with_keys);
  if (!cell.window.name.empty()) {
    name += "/" + at_text(cell.window, cell.offset, cell.seen);
  }
  for (const Companion& one : cell.companions) {
    name += one.next_boot ? "/next-boot." : one.after_previous ? "/then." : "/with.";
    name += fault_text(one.fault, one.params, one.with_keys);
    name += "." + at_text(one.window, one.offset, one.seen);
    name += one.target == cell.target ? "" : "." + one.target;
  }
  return name + "/" + cell.target;
}

Names::Meaning Names::meaning_of(const Written& from, const Case& cell) {
  const Budget& budget = cell.budget;
  const Json expectation = Json::array({cell.expect, cell.issue, cell.because, cell.fatal});
  const Json rest = Json::array({cell.to_json(),
                                 budget.servers_down,
                                 budget.apiserver_outage.count(),
                                 budget.recovery.count()});
  return {.file = from.suite.file,
          .expectation = {expectation, from.path.place},
          .offset = {offset_json(cell.offset, from.offset.sweep), from.offset.place},
          .rest = {rest, from.path.place}};
}

bool Names::take(const Written& from, const Case& cell, yaml::Problems& problems) {
  const Meaning mine = meaning_of(from, cell);
  const auto [found, free] = taken_.try_emplace(cell.name, mine);
  if (free) {
    return true;
  }
  for (const auto part : {&Meaning::expectation, &Meaning::offset, &Meaning::rest}) {
    const Said& other = found->second.*part;
    const Said& said = mine.*part;
    if (said.what == other.what) {
      continue;
    }
    const std::string there = place_text(found->second.file, other.place);
    if (told_.insert(place_text(mine.file, said.place) + " " + there).second) {
      problems.add(at(said.place),
                   fmt::format("{} would be the name of two different cases, this one and that of "
                               "{}: leave one of them out, or put it into a suite of another name",
                               cell.name,
                               there));
    }
    return false;
  }
  return true;
}

}  // namespace harness::plan
