#include "harness/cli/judged.h"

#include <algorithm>
#include <array>
#include <csignal>

#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/run/judgement.h"
#include "harness/run/session.h"

namespace harness::cli {
namespace {

constexpr std::array kStatuses = {kPassed,
                                  kFailed,
                                  kUsage,
                                  kHarness,
                                  kUnproven,
                                  kUnhealed,
                                  run::kTimeLimitPassed,
                                  128 + SIGINT,
                                  128 + SIGTERM};

}  // namespace

Result<report::Model> judged(const run::RunFolder& folder) {
  TRY_ASSIGN(report::Model model, run::judge(folder), "");
  if (std::ranges::find(kStatuses, model.stopped_status) == kStatuses.end()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("judge: {}: its run.finished has an exit_status that no run ends with, "
                            "so the file was changed or damaged; copy the run folder anew",
                            folder.events()));
  }
  return model;
}

}  // namespace harness::cli
