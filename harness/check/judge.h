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
  // In a window of another node: how far from its opening the effect came, on that node's clock,
  // and how wrong that may be.
  std::optional<std::int64_t> landed_us = {};
  std::int64_t error_us = 0;
};

// A hit is an effect inside the window of the same invocation, on the node's own clock. A window
// that was not seen to close proves nothing; a window that the fault itself ended was hit.
Hit find_hit(const TrialFacts& facts);
// Of a further fault of the case.
Hit find_hit(const TrialFacts& facts, const Companion& one);

// Every check, or an error when the trial did not come to its end. An applied
// fault that missed is never pass nor fail; without any fault a failure is the product's own.
// With several faults all must have hit.
TrialVerdict judge_trial(const TrialFacts& facts);

// What the plan wants of a case.
struct Planned {
  std::string name;
  std::string expect = "pass";  // pass, fail
  std::string issue;
  int hits = 1;
  std::vector<std::string> because;  // with expect fail: a check that must be among the failed ones
  std::string fatal;                 // with expect fail: a glob found in that check's reason

  static Planned from_json(const Json& json);
};

// One failure decides, wherever it was aimed. `hits` trials must land and pass: of those aimed
// inside the window, where any was. `expect` fail: a failure for the reason named is the case's
// pass; a pass, and a failure for another reason, its failure.
CaseVerdict fold(const Planned& planned, std::vector<TrialVerdict> trials);
// No further attempt is needed. A pass says nothing yet where a race is expected to fail.
bool enough(const std::vector<TrialVerdict>& trials, const Planned& planned);

// A failure beats an error beats unproven beats pass beats skip.
Verdict worst(const std::vector<CaseVerdict>& cases);
// 0, 1, 3, 4 (also when every case was skipped; a share without cases is 0); 5 when a node could
// not be healed, whatever else there is.
int exit_status(const std::vector<CaseVerdict>& cases, bool dirty);

}  // namespace harness::check
