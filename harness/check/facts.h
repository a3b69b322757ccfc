// What a trial's events say, sorted once so that checks can ask. Pure: events in, values out.
//
// Wall times are the node's clock where the fact is the node's, and the controller's for probes and
// steps; `to_controller` converts. Monotonic times compare only within one boot of one node. Boot
// ids are without dashes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
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
  bool cut = false;                 // ended with its invocation, not by its marker
  bool other_boot = false;          // cut by a reboot: closed_mono_us is of the next boot
  // When its opening marker came once more: until then it was open, also where nobody saw it close.
  std::int64_t still_open_mono_us = 0;
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
  bool baseline = false;  // before the fault was armed: not the upgrade's
};

struct JournalLine {
  std::string node;
  std::string invocation;
  std::string boot_id;
  std::string ident;
  event::Line line;
  std::int64_t wall_us = 0;
  std::int64_t mono_us = 0;

  // A fatal or panic line of the service's own process.
  bool deadly() const;
};

// One run of a node's service, as systemd counts them.
struct Invocation {
  std::string node;
  std::string id;
  std::string boot_id;
  bool before = false;  // it ran already when the upgrade's restart began
  std::int64_t first_wall_us = 0;
  std::string build;  // tag and commit of `Starting rke2 <tag> (<commit>)`
  std::string commit;
  std::int64_t gate_mono_us = 0;      // hooks may run: pods in place, readiness announced, or hooks
                                      // seen; 0: not yet
  std::int64_t stopping_mono_us = 0;  // systemd began to stop it
  std::int64_t exited_mono_us = 0;    // its main process ended
  std::string last_words;             // its last fatal or panic line
};

struct ContainerFact {
  std::string node;
  bool started = false;  // else exited
  bool initial = false;  // was running already when the stream began, or began again
  std::string pod;
  std::string id;
  std::string pod_uid;
  std::int64_t wall_us = 0;
};

struct ManifestFact {
  std::string node;
  bool written = false;  // else removed
  std::string pod;
  std::string uid;
  std::int64_t wall_us = 0;
};

struct Probe {
  std::int64_t wall_us = 0;      // controller, at asking
  std::int64_t answered_us = 0;  // controller
  std::string outcome;
  std::string detail;  // of this answer, or of the earlier one that said the same
};

// What a node could not see of itself.
struct Problem {
  std::string node;
  std::string type;  // journal-problem, container-problem, process-problem
  std::string text;
};

// kubelet began to hold a container back.
struct BackOffFact {
  std::string node;
  std::string container;  // pod and container
  std::int64_t seconds = 0;
  std::int64_t wall_us = 0;  // controller
};

struct FaultFact {
  std::string node;
  std::string outcome;  // applied, missed, expired, or empty
  std::string state;
  std::string reason;
  std::string summary;
  std::string boot_id;  // of the deed
  std::string invocation;
  std::string killed_container;
  bool stretched = false;
  bool by_power = false;  // ended by a power cut: `effect` is when it was seen off, at the latest
  std::string disproof;   // why what was done is not what was asked for
  std::int64_t opened_mono_us = 0;
  std::int64_t seen_mono_us = 0;
  std::int64_t begun_mono_us = 0;
  std::int64_t effect_mono_us = 0;
  std::int64_t effect_wall_us = 0;
};

// A further fault of the case: what was planned of it, and what its record says.
struct Companion {
  std::string record;  // the guard's id
  std::string fault;
  Json params = Json::object();
  std::string window;
  std::string aim;
  std::string where;
  std::int64_t distance_us = 0;
  std::optional<std::int64_t> original_us;  // where the one landed that this replays
  std::string target;
  std::string seen_on;  // whose window it is; empty: the target's own
  std::optional<FaultFact> fact;
};

// A node's clock against the controller's, asked at a time of the controller's.
struct ClockSight {
  std::int64_t asked_us = 0;
  std::int64_t offset_us = 0;  // node minus controller
  std::int64_t error_us = 0;
  std::string boot_id;
};

// An instant on another node's clock, and how wrong that may be.
struct Moved {
  std::int64_t wall_us = 0;
  std::int64_t error_us = 0;
};

// A fault that was applied, the case's first or a further one.
struct Deed {
  const FaultFact* fact = nullptr;
  std::string fault;
  std::string pod;  // the static pod that it took away for a while; empty: none
  std::string how;  // what it did to the pod or the service: "was killed"

  bool reboots() const { return fault == "reboot"; }

  // The pod's containers end with it; one that is only held or slowed may be the same afterwards.
  bool ends_pod() const {
    return fault == "kill-pod" || fault == "move-manifest" || fault == "rewrite-manifest";
  }

  // rke2's process ends with it, wherever it is.
  bool ends_service() const {
    return fault == "kill-service" || fault == "kill-containerd" || stops_service();
  }

  // It ends because it was asked to: systemd does not start it again by itself.
  bool stops_service() const { return fault == "stop-service"; }
};

struct TrialFacts {
  std::string case_name;
  int trial = 0;
  std::string from;
  std::optional<Version> to;
  bool by_reboot = false;  // the operator starts it by a reboot of each node
  std::string fault;
  Json params = Json::object();
  std::string window;
  std::string offset;
  std::int64_t offset_us = 0;  // from the trigger's marker
  std::string aim;             // "+500ms", "-20ms", "closed+20ms"
  std::string where;           // inside, before or after the window
  std::int64_t distance_us = 0;
  std::string replays;  // RUN:CASE:TRIAL, and where that one landed
  std::optional<std::int64_t> original_us;
  std::optional<std::int64_t> learned_us;  // the window's usual length
  std::string target;
  std::string seen_on;  // the node whose window the first fault waits for; empty: the target
  std::int64_t recovery_budget_us = 0;
  std::int64_t outage_budget_us = 0;
  std::int64_t started_us = 0;  // controller
  std::int64_t finished_us = 0;
  bool finished = false;
  bool complete = false;
  bool interrupted = false;
  std::string end_reason;

  std::vector<Span> spans;
  std::vector<Step> steps;
  std::vector<JournalLine> journal;
  std::vector<Invocation> invocations;  // in order of appearance
  std::vector<ContainerFact> containers;
  std::vector<ManifestFact> manifests;
  std::map<std::string, std::map<std::string, std::vector<Probe>>> probes;  // node, probe
  std::optional<FaultFact> fault_fact;  // of the case's first fault
  std::vector<Companion> companions;
  std::map<std::string, std::vector<ClockSight>> clocks;  // by node, in order
  std::map<std::string, std::vector<std::string>> boots;  // in order of appearance
  std::vector<Json> states;                               // every state.* event
  std::vector<Problem> problems;
  std::vector<BackOffFact> back_offs;
  Json inventory = Json::array();  // {name, address} of each node; empty: not recorded

  bool has_fault() const { return fault != "none" && !fault.empty(); }

  // The records of all faults of the case that were seen.
  std::vector<const FaultFact*> records() const;
  std::vector<Deed> deeds() const;

  bool applied() const { return !deeds().empty(); }

  // Those on one node, in the plan's order.
  std::vector<Deed> deeds_on(const std::string& node) const;
  // Null: it was not rebooted by a fault.
  const FaultFact* reboot_of(const std::string& node) const;
  // How often it was, by a fault or by the operator.
  int reboots_of(const std::string& node) const;
  // The last fault that took that pod away, if only for a while; null: none did.
  const FaultFact* kill_of(const std::string& node, std::string_view pod) const;
  // The last after which it has to be another container; null: none was.
  const FaultFact* end_of(const std::string& node, std::string_view pod) const;

  std::int64_t to_controller(const std::string& node, std::int64_t wall_us) const;
  // From the clock of a node, in a boot of it, to that of another, each by the sight that was taken
  // nearest to it; the errors of both are added. Empty: one of them was never asked.
  std::optional<Moved> moved(const std::string& own,
                             const std::string& boot_id,
                             std::int64_t wall_us,
                             const std::string& other) const;
  // The state.* events of a type in a phase, by node; the last one of each.
  std::map<std::string, const Json*> state(std::string_view type,
                                           std::string_view phase = "after") const;
  // That of one node; null where it was not taken, or could not be read.
  const Json* read_state(std::string_view type,
                         const std::string& node,
                         std::string_view phase = "after") const;
  // When the upgrade first restarted the service of a node, controller's clock; 0: it did not.
  std::int64_t restart_began_us(const std::string& node) const;
  // From when on this node's recovery counts: its own restart, or the fault's effect where that
  // came later; the first restart of any node when it has neither. Controller's clock; 0: unknown.
  std::int64_t reference_us(const std::string& node) const;
  // When the photograph `after` began, controller's clock; 0: it was not taken.
  std::int64_t after_us() const;
  const Invocation* invocation(const std::string& node, const std::string& id) const;
  // Invocations that began after the upgrade's restart did, in order.
  std::vector<const Invocation*> new_invocations(const std::string& node) const;
  std::vector<std::string> nodes() const;
};

TrialFacts gather(const std::vector<Json>& events);

}  // namespace harness::check
