// Which case of one run is held against which of another: the same fault, window and target, on a
// path of versions that may differ. Pure.
#pragma once

#include <string>
#include <vector>

#include "harness/check/verdict.h"

namespace harness::compare {

// "smoke/v1_to_v2/none/cp-1" is suite "smoke", from "v1", to "v2", what "none/cp-1". A name without
// such a path is all `what`.
struct NameParts {
  std::string suite, from, to, what;
};

NameParts parts_of(const std::string& case_name);

// The cases belong to the lists that were paired.
struct Pair {
  const check::CaseVerdict* before = nullptr;
  const check::CaseVerdict* after = nullptr;
  std::string by;  // why these two, in words
};

// A case, or its stretched trials, that nothing was held against.
struct Unpaired {
  std::string name;
  bool in_after = false;
  std::string reason;
  bool failed = false;  // against its expectation
};

struct Pairing {
  std::vector<Pair> pairs;  // in the order of `before`
  std::vector<Unpaired> unpaired;
};

// Cases with the same `what` pair: on the same path rather than from the same release rather than
// the only two that are left; of the same suite first. A choice between several is not made: they
// are all unpaired, and say so.
Pairing pair_cases(const std::vector<check::CaseVerdict>& before,
                   const std::vector<check::CaseVerdict>& after);

}  // namespace harness::compare
