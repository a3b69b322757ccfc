#include "harness/compare/comparable.h"

#include <algorithm>

#include <fmt/format.h>

namespace harness::compare {
namespace {

using check::CaseVerdict;
using check::TrialVerdict;

bool tells(const report::Model& model) {
  return std::ranges::any_of(model.cases, [](const CaseVerdict& one) {
    return std::ranges::any_of(one.trials, &TrialVerdict::counts);
  });
}

}  // namespace

Status comparable(const report::Model& before, const report::Model& after) {
  if (before.run == after.run) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} is held against itself; name two runs", before.run));
  }
  for (const report::Model* model : {&before, &after}) {
    if (model->finished.empty()) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{} has not finished: it still goes on, or was cut off; wait for it, "
                              "or run its suites again",
                              model->run));
    }
  }
  if (before.standin != after.standin && tells(before) && tells(after)) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("{} tested the lab's stand-in and {} a real rke2: neither says anything "
                    "about the other",
                    before.standin ? before.run : after.run,
                    before.standin ? after.run : before.run));
  }
  return {};
}

}  // namespace harness::compare
