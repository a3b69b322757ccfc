// From facts to verdicts: a trial's checks, whether its fault hit, a case's trials, a run's cases.
// Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/check/check.h"

namespace harness::check {

struct CheckResult {
  std::string name;
  Verdict verdict = Verdict::unproven;
  std::string reason;
  std::optional<double> recovery_s;
};

struct TrialVerdict {
  int trial = 0;
  Verdict verdict = Verdict::error;
  std::string reason;
  bool hit = false;  // the effect lies inside the window of the same invocation; without a fault:
                     // the step ran
  bool counts = false;  // hit, complete, and judged
  std::string window, offset, fault, target;
  std::string opened_at, closed_at, effect_at;  // node clock, RFC 3339; empty: not seen
  std::optional<std::int64_t> marker_to_action_us;
  std::optional<std::int64_t> action_to_effect_us;
  std::string evidence;
  std::vector<CheckResult> checks;

  Json to_json() const;
};

TrialVerdict judge_trial(const TrialFacts& facts);

// Why the fault hit or missed, in words; `hit` false also when it is not known.
struct Hit {
  bool hit = false;
  std::string reason;
  const Span* span = nullptr;
};

Hit find_hit(const TrialFacts& facts);

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

CaseVerdict fold(std::string name,
                 std::string expect,
                 std::string issue,
                 int hits_wanted,
                 std::vector<TrialVerdict> trials);
// A failure beats an error beats unproven beats skip beats pass.
Verdict worst(const std::vector<CaseVerdict>& cases);
// 0, 1, 3, 4; 5 when a node could not be healed.
int exit_status(const std::vector<CaseVerdict>& cases, bool dirty);

}  // namespace harness::check
