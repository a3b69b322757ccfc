// Planned cases as GoogleTest tests: filter, shards, repetition, listing and XML work as pipelines
// expect. Nothing is prepared, and no node touched, unless a test will run.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/check/check.h"
#include "harness/plan/plan.h"

namespace harness::run {

// invalid_input names a flag that GoogleTest does not know: it would print its help, run nothing
// and call that a success.
Status check_gtest_flags(const std::vector<std::string>& flags);

// What GoogleTest is told of a case: pass, failure (fail, error) or skip (unproven, skip).
struct CaseEnd {
  check::Verdict verdict = check::Verdict::pass;
  std::string reason;
};

struct Hosting {
  // Called once, before the first test, with the cases that GoogleTest selected; when it fails, no
  // test runs.
  std::function<Status(const std::vector<const plan::Case*>& selected)> prepare;
  std::function<CaseEnd(const plan::Case&)> run_case;
};

struct Hosted {
  bool listed = false;    // only names were asked for, and printed
  bool selected = false;  // at least one case
  bool sharded = false;   // this is one share of several
  Status prepared;
};

// Returns when every selected case has run. Once per process.
Hosted host(const std::vector<plan::Case>& cases,
            const std::vector<std::string>& gtest_flags,
            const Hosting& hosting);

}  // namespace harness::run
