#include <algorithm>

#include "harness/base/restart.h"
#include "harness/base/time.h"
#include "harness/check/gatherer.h"
#include "harness/check/invocations.h"

namespace harness::check {

std::int64_t at_us(const Json& event) {
  return parse_wall(json_string(event, "at")).value_or(0);
}

std::string boot_of(const Json& event, const char* key) {
  std::string id = json_string(event, key);
  std::erase(id, '-');
  return id;
}

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
  facts_.by_reboot = is_by_reboot(event);
  facts_.fault = json_string(event, "fault");
  facts_.params = json_object(event, "params");
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
  openings(event);
  facts_.started_us = at_us(event);
  if (const auto nodes = event.find("nodes"); nodes != event.end() && nodes->is_array()) {
    facts_.inventory = *nodes;
  }
  const Json budget = json_object(event, "budget");
  facts_.recovery_budget_us = json_int(budget, "recovery_us");
  facts_.outage_budget_us = json_int(budget, "apiserver_outage_us");
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
    still_open(event);
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

TrialFacts gather(const std::vector<Json>& events) {
  return Gatherer().gather(events);
}

}  // namespace harness::check
