#include <algorithm>

#include "harness/base/time.h"
#include "harness/check/facts.h"
#include "harness/check/invocations.h"

namespace harness::check {
namespace {

std::int64_t at_us(const Json& event) {
  return parse_wall(json_string(event, "at")).value_or(0);
}

std::int64_t stamp(const Json& record, const char* moment, const char* clock) {
  const auto found = record.find(moment);
  return found == record.end() || !found->is_object() ? 0 : json_int(*found, clock);
}

Json object(const Json& event, const char* key) {
  const auto found = event.find(key);
  return found != event.end() && found->is_object() ? *found : Json::object();
}

// systemctl and the kernel write boot ids with and without dashes.
std::string boot_of(const Json& event, const char* key = "boot_id") {
  std::string id = json_string(event, key);
  std::erase(id, '-');
  return id;
}

class Gatherer {
 public:
  TrialFacts gather(const std::vector<Json>& events);

 private:
  void take(const std::string& type, const Json& event);
  void start(const Json& event);
  void step(const Json& event, bool finished);
  void window(const Json& event);
  void companion(const Json& planned);
  void fault(const Json& event);
  void boot(const std::string& type, const Json& event);
  void powers();
  void probe(const Json& event);
  void container(const Json& event);
  void manifest(const Json& event);

  TrialFacts facts_;
  std::map<std::string, std::string> details_;
  std::map<std::string, Json> powers_;  // by the fault's record; an empty id: the first fault's
  std::string first_record_;
};

void Gatherer::start(const Json& event) {
  facts_.case_name = json_string(event, "case");
  facts_.trial = static_cast<int>(json_int(event, "trial"));
  const auto path = event.find("path");
  if (path != event.end() && path->is_array() && path->size() == 2 && (*path)[0].is_string() &&
      (*path)[1].is_string()) {
    facts_.from = (*path)[0].get<std::string>();
    if (auto version = Version::parse((*path)[1].get<std::string>())) {
      facts_.to = *version;
    }
  }
  facts_.fault = json_string(event, "fault");
  facts_.params = object(event, "params");
  facts_.window = json_string(event, "window");
  facts_.offset = json_string(event, "offset");
  facts_.offset_us = json_int(event, "offset_us");
  facts_.aim = json_string(event, "aim");
  facts_.where = json_string(event, "where", "inside");
  facts_.distance_us = json_int(event, "distance_us");
  facts_.replays = json_string(event, "replays");
  if (event.contains("original_us")) {
    facts_.original_us = json_int(event, "original_us");
  }
  if (event.contains("learned_us")) {
    facts_.learned_us = json_int(event, "learned_us");
  }
  facts_.target = json_string(event, "target");
  facts_.seen_on = json_string(event, "while");
  if (const auto more = event.find("companions"); more != event.end() && more->is_array()) {
    for (const Json& planned : *more) {
      companion(planned);
    }
  }
  facts_.started_us = at_us(event);
  if (const auto nodes = event.find("nodes"); nodes != event.end() && nodes->is_array()) {
    facts_.inventory = *nodes;
  }
  const Json budget = object(event, "budget");
  facts_.recovery_budget_us = json_int(budget, "recovery_us");
  facts_.outage_budget_us = json_int(budget, "apiserver_outage_us");
}

void Gatherer::companion(const Json& planned) {
  facts_.companions.push_back({.record = json_string(planned, "record"),
                               .fault = json_string(planned, "fault"),
                               .params = object(planned, "params"),
                               .window = json_string(planned, "window"),
                               .aim = json_string(planned, "aim"),
                               .where = json_string(planned, "where", "inside"),
                               .target = json_string(planned, "target"),
                               .seen_on = json_string(planned, "while"),
                               .fact = {}});
}

void Gatherer::step(const Json& event, bool finished) {
  const std::string name = json_string(event, "step");
  const std::string node = json_string(event, "node");
  if (!finished) {
    if (name == "arm") {
      std::ranges::for_each(facts_.steps, [](Step& earlier) { earlier.baseline = true; });
    }
    facts_.steps.push_back({.name = name, .node = node, .started_us = at_us(event)});
    return;
  }
  const auto open = std::find_if(facts_.steps.rbegin(), facts_.steps.rend(), [&](const Step& one) {
    return one.name == name && one.node == node && one.finished_us == 0;
  });
  if (open != facts_.steps.rend()) {
    open->finished_us = at_us(event);
    open->ok = json_bool(event, "ok", true);
    open->error = json_string(event, "error");
    open->job_result = json_string(event, "job_result");
    open->exit_status = json_int(event, "exit_status");
  }
}

void Gatherer::window(const Json& event) {
  const std::string node = json_string(event, "node");
  const std::string name = json_string(event, "window");
  if (json_string(event, "op") == "opened") {
    facts_.spans.push_back({.node = node,
                            .window = name,
                            .invocation = json_string(event, "invocation"),
                            .boot_id = boot_of(event),
                            .opened_mono_us = json_int(event, "mono_us"),
                            .opened_wall_us = json_int(event, "wall_us")});
    return;
  }
  const auto open = std::find_if(facts_.spans.rbegin(), facts_.spans.rend(), [&](const Span& one) {
    return one.node == node && one.window == name && one.closed_wall_us == 0;
  });
  if (open != facts_.spans.rend()) {
    open->closed_mono_us = json_int(event, "mono_us");
    open->closed_wall_us = json_int(event, "wall_us");
    open->cut = json_bool(event, "cut");
    // A cut by the next boot carries the old boot's id and the next one's clock, which begins anew.
    open->other_boot = open->cut && open->closed_mono_us < open->opened_mono_us;
  }
}

void Gatherer::fault(const Json& event) {
  const Json evidence = object(event, "evidence");
  const auto owner =
      std::ranges::find(facts_.companions, json_string(event, "id"), &Companion::record);
  std::optional<FaultFact>& known =
      owner == facts_.companions.end() ? facts_.fault_fact : owner->fact;
  if (owner == facts_.companions.end()) {
    first_record_ = json_string(event, "id");
  }
  FaultFact fact{.node = json_string(event, "node"),
                 .outcome = json_string(event, "outcome"),
                 .state = json_string(event, "state"),
                 .reason = json_string(event, "reason"),
                 .summary = json_string(evidence, "summary"),
                 .boot_id = boot_of(event),
                 .invocation = json_string(event, "invocation"),
                 .killed_container = json_string(evidence, "container"),
                 .stretched = json_bool(evidence, "stretched"),
                 .by_power = json_string(evidence, "how") == "power",
                 .disproof = json_string(evidence, "disproof"),
                 .opened_mono_us = stamp(event, "opened", "mono_us"),
                 .seen_mono_us = stamp(event, "seen", "mono_us"),
                 .begun_mono_us = stamp(event, "begun", "mono_us"),
                 .effect_mono_us = stamp(event, "effect", "mono_us"),
                 .effect_wall_us = stamp(event, "effect", "wall_us")};
  // The watch stream stamps the fact with the boot in which it was sent; the deed belongs to the
  // record's own.
  if (const std::string woken = boot_of(event, "woken_in"); !woken.empty()) {
    fact.boot_id = woken;
  } else if (const std::string before = boot_of(evidence, "boot_id_before"); !before.empty()) {
    fact.boot_id = before;
  } else if (known && known->effect_mono_us == fact.effect_mono_us && !known->boot_id.empty()) {
    fact.boot_id = known->boot_id;
  }
  // What was taken back without having fired had its reason before.
  const bool late =
      known && !known->outcome.empty() && (fact.outcome.empty() || fact.outcome == "expired");
  if (!late) {
    known = std::move(fact);
  }
}

// When the power went, the controller knows and the node does not: on the node's clock, as the
// controller saw it.
void Gatherer::powers() {
  const auto add = [&](const std::string& id, std::optional<FaultFact>& fact) {
    const auto found = powers_.find(id);
    if (found == powers_.end() || !fact || !found->second.contains("gone_node_us")) {
      return;
    }
    const std::int64_t asked_mono =
        json_int(found->second, "asked_node_mono_us", fact->begun_mono_us);
    const std::int64_t asked = json_int(found->second, "asked_node_us");
    const std::int64_t begun = json_int(found->second, "begun_node_us");
    const std::int64_t gone = json_int(found->second, "gone_node_us");
    fact->begun_mono_us = asked_mono + (begun - asked);
    fact->effect_mono_us = asked_mono + (gone - asked);
    fact->effect_wall_us = gone;
    fact->summary += (fact->summary.empty() ? "" : "; ") + json_string(found->second, "summary");
  };
  add(first_record_, facts_.fault_fact);
  for (Companion& one : facts_.companions) {
    add(one.record, one.fact);
  }
}

void Gatherer::boot(const std::string& type, const Json& event) {
  const std::string boot = boot_of(event);
  const std::string node = json_string(event, "node");
  if (boot.empty() || node.empty() ||
      (type != "clock" && type != "node.facts" && type != "state.unit")) {
    return;
  }
  auto& seen = facts_.boots[node];
  if (std::ranges::find(seen, boot) == seen.end()) {
    seen.push_back(boot);
  }
}

void Gatherer::probe(const Json& event) {
  const std::string node = json_string(event, "node");
  const std::string name = json_string(event, "probe");
  std::string& detail = details_[node + " " + name];
  if (event.contains("detail")) {
    detail = json_string(event, "detail");
  }
  const std::string outcome = json_string(event, "outcome");
  const std::int64_t asked = json_int(event, "wall_us");
  facts_.probes[node][name].push_back({.wall_us = asked,
                                       .answered_us = std::max(asked, at_us(event)),
                                       .outcome = outcome,
                                       .detail = outcome == "ok" ? std::string() : detail});
}

void Gatherer::container(const Json& event) {
  if (json_string(event, "kind") == "sandbox") {
    return;
  }
  facts_.containers.push_back({.node = json_string(event, "node"),
                               .started = json_string(event, "op") == "started",
                               .initial = json_bool(event, "initial"),
                               .pod = json_string(event, "pod"),
                               .id = json_string(event, "id"),
                               .pod_uid = json_string(event, "pod_uid"),
                               .wall_us = json_int(event, "wall_us")});
}

void Gatherer::manifest(const Json& event) {
  std::string file = json_string(event, "file");
  if (json_bool(event, "initial") || !file.ends_with(".yaml")) {
    return;
  }
  file.resize(file.size() - 5);
  facts_.manifests.push_back({.node = json_string(event, "node"),
                              .written = json_string(event, "op") == "written",
                              .pod = file,
                              .uid = json_string(event, "uid"),
                              .wall_us = json_int(event, "wall_us")});
}

void Gatherer::take(const std::string& type, const Json& event) {
  if (type == "trial.started") {
    start(event);
  } else if (type == "trial.finished") {
    facts_.finished = true;
    facts_.finished_us = at_us(event);
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
    facts_.clocks[json_string(event, "node")].push_back(
        {.asked_us = at_us(event),
         .offset_us = json_int(event, "clock_offset_us"),
         .error_us = json_int(event, "clock_error_us"),
         .boot_id = boot_of(event)});
  } else if (type == "power") {
    powers_[json_string(event, "id")] = event;
  } else if (type == "journal") {
    facts_.journal.push_back({.node = json_string(event, "node"),
                              .invocation = json_string(event, "invocation"),
                              .boot_id = boot_of(event),
                              .ident = json_string(event, "ident"),
                              .line = event::parse_line(json_string(event, "line")),
                              .wall_us = json_int(event, "wall_us"),
                              .mono_us = json_int(event, "mono_us")});
  } else if (type == "container") {
    container(event);
  } else if (type == "manifest") {
    manifest(event);
  } else if (type == "probe") {
    probe(event);
  } else if (type.ends_with("-problem")) {
    facts_.problems.push_back({json_string(event, "node"), type, json_string(event, "line")});
  } else if (type == "back-off") {
    facts_.back_offs.push_back(
        {.node = json_string(event, "node"),
         .container = json_string(event, "pod") + "/" + json_string(event, "container"),
         .seconds = json_int(event, "seconds"),
         .wall_us = json_int(event, "wall_us")});
  } else if (type.starts_with("state.")) {
    facts_.states.push_back(event);
  }
}

TrialFacts Gatherer::gather(const std::vector<Json>& events) {
  for (const Json& event : events) {
    const std::string type = json_string(event, "type");
    boot(type, event);
    take(type, event);
  }
  powers();
  index_invocations(facts_);
  return std::move(facts_);
}

}  // namespace

TrialFacts gather(const std::vector<Json>& events) {
  return Gatherer().gather(events);
}

}  // namespace harness::check
