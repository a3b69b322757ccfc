#include "harness/check/facts.h"

#include <algorithm>
#include <set>

#include "harness/base/time.h"

namespace harness::check {
namespace {

std::int64_t at_us(const Json& event) {
  return parse_wall(json_string(event, "at")).value_or(0);
}

std::int64_t stamp(const Json& record, const char* moment, const char* clock) {
  const auto found = record.find(moment);
  return found == record.end() ? 0 : json_int(*found, clock);
}

class Gatherer {
 public:
  TrialFacts gather(const std::vector<Json>& events);

 private:
  void start(const Json& event);
  void step(const Json& event, bool finished);
  void window(const Json& event);
  void fault(const Json& event);
  void boot(const Json& event);

  TrialFacts facts_;
};

void Gatherer::start(const Json& event) {
  facts_.case_name = json_string(event, "case");
  facts_.trial = static_cast<int>(json_int(event, "trial"));
  const Json path = event.value("path", Json::array());
  if (path.is_array() && path.size() == 2 && path[0].is_string() && path[1].is_string()) {
    facts_.from = path[0].get<std::string>();
    if (auto version = Version::parse(path[1].get<std::string>())) {
      facts_.to = *version;
    }
  }
  facts_.fault = json_string(event, "fault");
  facts_.params = event.value("params", Json::object());
  facts_.window = json_string(event, "window");
  facts_.offset = json_string(event, "offset");
  facts_.target = json_string(event, "target");
  const Json budget = event.value("budget", Json::object());
  facts_.recovery_budget_us = json_int(budget, "recovery_us");
  facts_.outage_budget_us = json_int(budget, "apiserver_outage_us");
}

void Gatherer::step(const Json& event, bool finished) {
  const std::string name = json_string(event, "step");
  const std::string node = json_string(event, "node");
  if (!finished) {
    facts_.steps.push_back({.name = name, .node = node, .started_us = at_us(event)});
    return;
  }
  for (auto step = facts_.steps.rbegin(); step != facts_.steps.rend(); ++step) {
    if (step->name == name && step->node == node && step->finished_us == 0) {
      step->finished_us = at_us(event);
      step->ok = json_bool(event, "ok", true);
      step->error = json_string(event, "error");
      step->job_result = json_string(event, "job_result");
      step->exit_status = json_int(event, "exit_status");
      return;
    }
  }
}

void Gatherer::window(const Json& event) {
  const std::string node = json_string(event, "node");
  const std::string name = json_string(event, "window");
  const std::string invocation = json_string(event, "invocation");
  if (json_string(event, "op") == "opened") {
    facts_.spans.push_back({.node = node,
                            .window = name,
                            .invocation = invocation,
                            .boot_id = json_string(event, "boot_id"),
                            .opened_mono_us = json_int(event, "mono_us"),
                            .opened_wall_us = json_int(event, "wall_us")});
    return;
  }
  for (auto span = facts_.spans.rbegin(); span != facts_.spans.rend(); ++span) {
    if (span->node == node && span->window == name && span->closed_wall_us == 0) {
      span->closed_mono_us = json_int(event, "mono_us");
      span->closed_wall_us = json_int(event, "wall_us");
      span->cut = json_bool(event, "cut");
      // A cut by the next boot carries the old boot's id and the next one's clock, which begins
      // anew.
      span->other_boot = span->cut && span->closed_mono_us < span->opened_mono_us;
      return;
    }
  }
}

void Gatherer::fault(const Json& event) {
  const Json evidence = event.value("evidence", Json::object());
  FaultFact fact{.node = json_string(event, "node"),
                 .outcome = json_string(event, "outcome"),
                 .state = json_string(event, "state"),
                 .reason = json_string(event, "reason"),
                 .summary = json_string(evidence, "summary"),
                 .boot_id = json_string(event, "boot_id"),
                 .invocation = json_string(event, "invocation"),
                 .killed_container = json_string(evidence, "container"),
                 .opened_mono_us = stamp(event, "opened", "mono_us"),
                 .seen_mono_us = stamp(event, "seen", "mono_us"),
                 .begun_mono_us = stamp(event, "begun", "mono_us"),
                 .effect_mono_us = stamp(event, "effect", "mono_us"),
                 .effect_wall_us = stamp(event, "effect", "wall_us")};
  // The watch stream stamps the fact with the boot in which it was sent; the deed belongs to the
  // record's own.
  const std::string before = json_string(evidence, "boot_id_before");
  if (!before.empty()) {
    fact.boot_id = before;
  }
  if (!facts_.fault_fact || facts_.fault_fact->outcome.empty() || !fact.outcome.empty()) {
    facts_.fault_fact = std::move(fact);
  }
}

void Gatherer::boot(const Json& event) {
  const std::string boot = json_string(event, "boot_id");
  const std::string node = json_string(event, "node");
  const std::string type = json_string(event, "type");
  if (boot.empty() || node.empty() || (type != "clock" && type != "node.facts")) {
    return;
  }
  auto& seen = facts_.boots[node];
  if (seen.empty() || seen.back() != boot) {
    seen.push_back(boot);
  }
}

TrialFacts Gatherer::gather(const std::vector<Json>& events) {
  for (const Json& event : events) {
    const std::string type = json_string(event, "type");
    const std::string node = json_string(event, "node");
    boot(event);
    if (type == "trial.started") {
      start(event);
    } else if (type == "trial.finished") {
      facts_.finished = true;
      facts_.complete = json_bool(event, "complete");
      facts_.interrupted = json_bool(event, "interrupted");
      facts_.end_reason = json_string(event, "reason");
    } else if (type == "step.started" || type == "step.finished") {
      step(event, type == "step.finished");
    } else if (type == "window") {
      window(event);
    } else if (type == "fault") {
      fault(event);
    } else if (type == "node.facts") {
      facts_.clock_offset_us.emplace(node, json_int(event, "clock_offset_us"));
    } else if (type == "journal") {
      facts_.journal.push_back({node,
                                json_string(event, "invocation"),
                                json_string(event, "boot_id"),
                                json_string(event, "ident"),
                                event::parse_line(json_string(event, "line")),
                                json_int(event, "wall_us"),
                                json_int(event, "mono_us")});
    } else if (type == "container" && json_string(event, "kind") != "sandbox") {
      facts_.containers.push_back({node,
                                   json_string(event, "op") == "started",
                                   json_bool(event, "initial"),
                                   json_string(event, "pod"),
                                   json_string(event, "id"),
                                   json_string(event, "pod_uid"),
                                   json_int(event, "wall_us")});
    } else if (type == "probe") {
      facts_.probes[node][json_string(event, "probe")].push_back(
          {json_int(event, "wall_us"), json_string(event, "outcome")});
    } else if (type.starts_with("state.")) {
      facts_.states.push_back(event);
    }
  }
  return std::move(facts_);
}

}  // namespace

TrialFacts gather(const std::vector<Json>& events) {
  return Gatherer().gather(events);
}

std::int64_t TrialFacts::to_controller(const std::string& node, std::int64_t wall_us) const {
  const auto known = clock_offset_us.find(node);
  return known == clock_offset_us.end() ? wall_us : wall_us - known->second;
}

std::map<std::string, const Json*> TrialFacts::state(const std::string& type,
                                                     const std::string& phase) const {
  std::map<std::string, const Json*> out;
  for (const Json& event : states) {
    if (json_string(event, "type") == type && json_string(event, "phase") == phase) {
      out[json_string(event, "node")] = &event;
    }
  }
  return out;
}

std::int64_t TrialFacts::restart_began_us(const std::string& node) const {
  std::int64_t began = 0;
  for (const Step& step : steps) {
    if (step.name == "restart" && step.node == node) {
      began = step.started_us;
    }
  }
  return began;
}

std::int64_t TrialFacts::reference_us() const {
  if (fault_fact && fault_fact->effect_wall_us != 0) {
    return to_controller(fault_fact->node, fault_fact->effect_wall_us);
  }
  std::int64_t first = 0;
  for (const Step& step : steps) {
    if (step.name == "restart") {
      first = step.started_us;
    }
  }
  return first;
}

std::vector<std::string> TrialFacts::new_invocations(const std::string& node) const {
  const std::int64_t began = restart_began_us(node);
  std::set<std::string> old;
  std::vector<std::string> fresh;
  for (const JournalLine& line : journal) {
    if (line.node != node || line.invocation.empty()) {
      continue;
    }
    // Only a line of the service's own process, or systemd's "Starting", begins an invocation.
    const bool before = began == 0 || to_controller(node, line.wall_us) < began;
    const bool begins = line.ident == "rke2" || line.line.msg.starts_with("Starting ");
    if (before) {
      old.insert(line.invocation);
    } else if (begins && !old.contains(line.invocation) &&
               std::ranges::find(fresh, line.invocation) == fresh.end()) {
      const bool stopping =
          line.ident == "rke2" && fresh.empty() && !line.line.msg.starts_with("Starting rke2 ");
      if (stopping) {
        continue;
      }
      fresh.push_back(line.invocation);
    }
  }
  return fresh;
}

std::vector<std::string> TrialFacts::nodes() const {
  std::set<std::string> out;
  for (const auto& [node, list] : boots) {
    out.insert(node);
  }
  for (const Json& event : states) {
    if (event.contains("node")) {
      out.insert(json_string(event, "node"));
    }
  }
  out.erase("");
  return {out.begin(), out.end()};
}

}  // namespace harness::check
