// A recorded run, judged again from its events, as each verb that reads one does it.
#pragma once

#include "harness/report/report.h"
#include "harness/run/run_folder.h"

namespace harness::cli {

// invalid_input where the events say that the run ended with a status that no hookshot ends with:
// it may not become this one's.
Result<report::Model> judged(const run::RunFolder& folder);

}  // namespace harness::cli
