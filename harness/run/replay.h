// An earlier run's aimed trials, to be fired again: the same anchors, marker and offset, whatever
// the windows' lengths are now, or whether any were learned.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/run/run_folder.h"

namespace harness::run {

// RUN[:CASE[:TRIAL]]. A colon may be in a case's name, but not in its end, which is a node's: only
// digits after the last colon are a trial.
struct ReplaySpec {
  std::filesystem::path run;
  std::string case_name;  // empty: all
  int trial = 0;          // 0: all

  static Result<ReplaySpec> parse(std::string_view text);
  // As parse reads it.
  std::string text() const;
};

// The suites that the run was given, as it was given them. invalid_input for a run of no suite,
// with the command that it was.
Result<std::vector<std::string>> suites_of(const RunFolder& folder);

// Keeps the cases that the run has trials of and that the glob takes, each with those trials'
// shots. As many hits are wanted as there were, and one where there was none. The plan is of the
// run's suites, unfiltered, and need not be aimed. invalid_input when the run has no such trial,
// the glob takes none (with the names), or a case is not planned any more, or with other faults.
Result<plan::Plan> replay(const RunFolder& folder,
                          const ReplaySpec& spec,
                          plan::Plan plan,
                          const std::string& filter = "*");

}  // namespace harness::run
