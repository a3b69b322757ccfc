// What is concluded of a trial and of a case, and how verdict.json writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/check.h"

namespace harness::check {

struct CheckResult {
  std::string name;
  Verdict verdict = Verdict::unproven;
  std::string reason;
  std::optional<double> recovery_s;
};

// What became of a further fault of the case.
struct CompanionVerdict {
  std::string fault;
  Json params = Json::object();
  std::string window, aim, target;
  bool hit = false;
  std::string hit_reason;
  std::optional<std::int64_t> landed_us;  // from its window's opening
  std::string seen_on = {};               // the node whose window it is, where that is another one
  std::optional<std::int64_t> landed_error_us = {};  // then: what the two clocks leave open
  std::optional<std::int64_t> original_us = {};      // where the one landed that this replays

  Json to_json() const;
};

struct TrialVerdict {
  int trial = 0;
  Verdict verdict = Verdict::error;
  std::string reason;
  bool hit = false;  // the effect lies inside the window of the same invocation; without a fault:
                     // the upgrade's step ran
  bool counts = false;  // hit, complete, and judged: pass or fail
  std::string window, offset, fault, target;
  std::string aim;  // "+500ms", "-20ms", "closed+20ms"; a sweep has another each time
  // From the window's opening: where it was aimed, where the effect came, where it closed.
  std::optional<std::int64_t> planned_us, landed_us, length_us;
  std::optional<std::int64_t> learned_us;  // its usual length, where one was learned
  std::string seen_on;  // the node whose window it is, where that is another one than the target
  std::optional<std::int64_t> landed_error_us;  // then: what the two clocks leave open
  bool stretched = false;  // the fault made the window longer: never counted with natural ones
  std::string replays;     // RUN:CASE:TRIAL whose anchor was armed again, and where that one landed
  std::optional<std::int64_t> original_us;
  std::string opened_at, closed_at, effect_at;      // node clock, RFC 3339; empty: not seen
  std::optional<std::int64_t> marker_to_action_us;  // the planned offset is not part of it
  std::optional<std::int64_t> action_to_effect_us;
  std::string evidence;
  std::vector<CheckResult> checks;
  std::string hit_reason;  // why it hit or missed, in words
  std::string from, to;
  bool by_reboot = false;  // the operator started the second version by a reboot
  double duration_s = 0;
  double back_off_s = 0;         // what kubelet held back the container that it held back longest
  Json params = Json::object();  // of the fault
  std::vector<CompanionVerdict> companions;  // a trial is a hit only when these are too

  // Of the check of that name, where it knows.
  std::optional<double> recovery_s(std::string_view check) const;

  // Aimed outside the window on purpose, before it or after it: such a hit is none of the window's.
  bool aimed_before() const;
  bool aimed_after() const;

  bool aimed_beside() const { return aimed_before() || aimed_after(); }

  Json to_json() const;
};

struct CaseVerdict {
  std::string name;
  std::string expect;  // pass, fail
  std::string issue;
  Verdict outcome = Verdict::unproven;  // what the checks say
  Verdict verdict = Verdict::unproven;  // outcome against expect
  std::string reason;
  std::vector<TrialVerdict> trials;

  Json to_json() const;
};

// invalid_input names what is missing or of the wrong type.
Result<TrialVerdict> trial_verdict_from_json(const Json& json);
Result<CaseVerdict> case_verdict_from_json(const Json& json);

}  // namespace harness::check
