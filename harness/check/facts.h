// What a trial's events say, sorted once so that checks can ask. Pure: events in, values out. Times
// are the node's clock where the fact is the node's, and the controller's for probes and steps;
// `to_controller` converts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/version.h"
#include "harness/event/line.h"

namespace harness::check {

struct Span {
  std::string node;
  std::string window;
  std::string invocation;
  std::string boot_id;
  std::int64_t opened_mono_us = 0;
  std::int64_t opened_wall_us = 0;
  std::int64_t closed_mono_us = 0;
  std::int64_t closed_wall_us = 0;  // 0: not seen to close
  bool cut = false;                 // ended with its invocation
  bool other_boot = false;          // cut by a reboot: closed_* are of the next boot
};

struct Step {
  std::string name;
  std::string node;
  std::int64_t started_us = 0;  // controller
  std::int64_t finished_us = 0;
  bool ok = true;
  std::string error;
  std::string job_result;
  std::int64_t exit_status = 0;
};

struct JournalLine {
  std::string node;
  std::string invocation;
  std::string boot_id;
  std::string ident;
  event::Line line;
  std::int64_t wall_us = 0;
  std::int64_t mono_us = 0;
};

struct ContainerFact {
  std::string node;
  bool started = false;
  bool initial = false;  // was running already when the stream began
  std::string pod;
  std::string id;
  std::string pod_uid;
  std::int64_t wall_us = 0;
};

struct Probe {
  std::int64_t wall_us = 0;  // controller
  std::string outcome;
};

struct FaultFact {
  std::string node;
  std::string outcome;  // applied, missed, expired, or empty
  std::string state;
  std::string reason;
  std::string summary;
  std::string boot_id;
  std::string invocation;
  std::string killed_container;
  std::int64_t opened_mono_us = 0;
  std::int64_t seen_mono_us = 0;
  std::int64_t begun_mono_us = 0;
  std::int64_t effect_mono_us = 0;
  std::int64_t effect_wall_us = 0;
};

struct TrialFacts {
  std::string case_name;
  int trial = 0;
  std::string from;
  std::optional<Version> to;
  std::string fault;
  Json params = Json::object();
  std::string window;
  std::string offset;
  std::string target;
  std::int64_t recovery_budget_us = 0;
  std::int64_t outage_budget_us = 0;
  bool finished = false;
  bool complete = false;
  bool interrupted = false;
  std::string end_reason;

  std::vector<Span> spans;
  std::vector<Step> steps;
  std::vector<JournalLine> journal;
  std::vector<ContainerFact> containers;
  std::map<std::string, std::map<std::string, std::vector<Probe>>> probes;  // node, probe
  std::optional<FaultFact> fault_fact;
  std::map<std::string, std::int64_t> clock_offset_us;  // node minus controller
  std::map<std::string, std::vector<std::string>> boots;
  std::vector<Json> states;  // every state.* event

  bool has_fault() const { return fault != "none" && !fault.empty(); }

  bool reboots() const { return fault == "reboot"; }

  std::int64_t to_controller(const std::string& node, std::int64_t wall_us) const;
  // The state.* events of a type in phase "after" (or before), by node.
  std::map<std::string, const Json*> state(const std::string& type,
                                           const std::string& phase = "after") const;
  // When the upgrade's restart of a node began, on the controller's clock; 0: none.
  std::int64_t restart_began_us(const std::string& node) const;
  // From when on recovery counts: the fault's effect, or the first restart. Controller's clock.
  std::int64_t reference_us() const;
  // Invocations of a node's service in order of appearance since the restart step, the old one left
  // out.
  std::vector<std::string> new_invocations(const std::string& node) const;
  std::vector<std::string> nodes() const;
};

TrialFacts gather(const std::vector<Json>& events);

}  // namespace harness::check
