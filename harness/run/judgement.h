// Verdicts and reports of a run folder, from its plan and events alone: what `run` writes at its
// end, and what `judge` and `report` make again. However long the run, the events of one trial at a
// time are in memory.
#pragma once

#include "harness/report/report.h"
#include "harness/run/run_folder.h"

namespace harness::run {

// Judges every trial in the events and folds the planned cases.
//
// A case without a trial in a run that was cut off, or stopped, is an error: it was not tested.
Result<report::Model> judge(const RunFolder& folder);
// The status that the run ended with, or must have.
int exit_status(const report::Model& model);

struct Formats {
  bool json = true;
  bool junit = true;
  bool markdown = true;
  bool html = true;
};

Status write_reports(const RunFolder& folder,
                     const report::Model& model,
                     const Formats& formats = {});

}  // namespace harness::run
