// Window x fault x target x hop: what of it was hit, what only tried, and what never. Made of the
// plan, so that what a stopped run did not reach is there, too. Pure: values in, rows out.
#pragma once

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/report/instants.h"

namespace harness::report {

// A cell that a plan has, whatever its offsets, and those of its trials that are no instants.
struct PlannedCell {
  std::string hop;    // as in Instant
  std::string fault;  // with its parameters and further faults, as in Instant
  std::string window;
  std::string target;        // node
  std::string seen_on = {};  // the node whose window it is; empty: the target's own
  int errors = 0;
  int skips = 0;  // the node cannot do it
};

// The cells with a window of a plan.json. Where a case has trials they say how its faults are
// written.
std::vector<PlannedCell> planned_cells(const Json& plan,
                                       const std::vector<check::CaseVerdict>& cases);

struct CoverageRow {
  std::string hop;
  std::string fault;
  std::string window;
  std::string target;
  std::string seen_on;
  bool planned = true;  // false: only the combination of what the plan has elsewhere
  int trials = 0;       // without an error, in windows as they last by themselves
  int hits = 0;         // of them; judged
  int fails = 0;
  int misses = 0;
  int unproven = 0;   // hits without enough facts to judge them
  int stretched = 0;  // trials in a window that a fault made longer: not among the others
  int beside = 0;     // trials aimed before or after the window on purpose: not among the others
  int errors = 0;     // trials that ended in an error
  int skips = 0;      // trials that the node could not do
};

// Every combination of the plan's windows, faults, targets and hops. Without a plan, of those that
// were tried.
std::vector<CoverageRow> coverage(const std::vector<PlannedCell>& planned,
                                  const std::vector<Instant>& instants);

// "never tried", "tried, never hit: 2 trial(s)" or the counts.
std::string in_words(const CoverageRow& row);
std::string to_text(const std::vector<CoverageRow>& rows);
Json to_json(const std::vector<CoverageRow>& rows);
// What the plan had, out of what to_json wrote.
std::vector<PlannedCell> planned_from_json(const Json& rows);

}  // namespace harness::report
