// From facts to verdicts: whether a trial's fault hit, its checks, a case's trials, a run's cases.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "harness/check/check.h"
#include "harness/check/verdict.h"

namespace harness::check {

// Why the fault hit or missed, in words; `hit` is false also when it is not known.
struct Hit {
  bool hit = false;
  std::string reason;
  const Span* span = nullptr;  // of the window, hit or nearest
};

// A hit is an effect inside the window of the same invocation, on the node's own clock. A window
// that was not seen to close proves nothing; a window that the fault itself ended was hit.
Hit find_hit(const TrialFacts& facts);

// Every check, or an error when the trial did not come to its end. A miss is never pass nor fail.
TrialVerdict judge_trial(const TrialFacts& facts);

// One failure decides. `hits_wanted` trials must land and pass. `expect` "fail": a failure is the
// case's pass, and a pass its failure.
CaseVerdict fold(std::string name,
                 std::string expect,
                 std::string issue,
                 int hits_wanted,
                 std::vector<TrialVerdict> trials);

// A failure beats an error beats unproven beats pass beats skip.
Verdict worst(const std::vector<CaseVerdict>& cases);
// 0, 1, 3, 4; 5 when a node could not be healed, whatever else there is.
int exit_status(const std::vector<CaseVerdict>& cases, bool dirty);

}  // namespace harness::check
