#include <algorithm>

#include "harness/check/gatherer.h"

namespace harness::check {
namespace {

std::int64_t stamp(const Json& record, const char* moment, const char* clock) {
  return json_int(json_object(record, moment), clock);
}

}  // namespace

void Gatherer::companion(const Json& planned) {
  facts_.companions.push_back({.record = json_string(planned, "record"),
                               .fault = json_string(planned, "fault"),
                               .params = json_object(planned, "params"),
                               .window = json_string(planned, "window"),
                               .aim = json_string(planned, "aim"),
                               .where = json_string(planned, "where", "inside"),
                               .distance_us = json_int(planned, "distance_us"),
                               .target = json_string(planned, "target"),
                               .seen_on = json_string(planned, "while"),
                               .fact = {}});
  if (planned.contains("original_us")) {
    facts_.companions.back().original_us = json_int(planned, "original_us");
  }
  openings(planned);
}

void Gatherer::openings(const Json& planned) {
  const std::string window = json_string(planned, "window");
  const Json anchor = json_object(planned, "anchor");
  if (json_string(anchor, "marker_of") != window || !anchor.contains("open")) {
    return;
  }
  for (const Json& one : anchor["open"]) {
    if (auto marker = event::marker_from_json(one)) {
      openings_[window].push_back(*std::move(marker));
    }
  }
}

void Gatherer::still_open(const Json& event) {
  for (Span& span : facts_.spans) {
    const auto markers = openings_.find(span.window);
    if (markers == openings_.end() || span.closed_wall_us != 0 ||
        span.node != json_string(event, "node") ||
        span.invocation != json_string(event, "invocation")) {
      continue;
    }
    if (std::ranges::any_of(markers->second, [&](const event::Marker& marker) {
          return event::matches(marker, event);
        })) {
      span.still_open_mono_us = json_int(event, "mono_us");
    }
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
  const Json evidence = json_object(event, "evidence");
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

}  // namespace harness::check
