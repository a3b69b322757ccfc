#include "harness/run/learning.h"

#include <fmt/format.h>

#include "harness/event/event.h"
#include "harness/run/judgement.h"

namespace harness::run {

namespace {

bool teaches(const check::TrialVerdict& trial, Learn from) {
  const bool went = trial.verdict == check::Verdict::pass ||
                    (trial.verdict == check::Verdict::fail && from == Learn::failing_too);
  return trial.fault == "none" && went;
}

std::string why_not(const check::TrialVerdict& trial) {
  if (trial.fault != "none") {
    return "it had a fault";
  }
  return trial.reason + (trial.verdict == check::Verdict::fail
                             ? " (--failed learns from a start that failed a check, too)"
                             : "");
}

}  // namespace

Result<Learning> learn(const RunFolder& folder, aim::Lengths& lengths, Learn from) {
  TRY_ASSIGN(const report::Model model, judge(folder), "judge");
  TRY_ASSIGN(EventsOfTrials windows, events_of_type(folder, event::type::kWindow), "events");
  Learning out;
  for (const check::CaseVerdict& one : model.cases) {
    for (const check::TrialVerdict& trial : one.trials) {
      if (!teaches(trial, from)) {
        ++out.left_out;
        out.why_not = fmt::format("{} #{}: {}", one.name, trial.trial, why_not(trial));
        continue;
      }
      for (const auto& [node, samples] : aim::samples_of(windows[one.name][trial.trial])) {
        out.starts += samples.empty() ? 0 : 1;
        for (const aim::Sample& sample : samples) {
          lengths.add({node, trial.from, trial.to, trial.by_reboot}, sample);
        }
      }
    }
  }
  return out;
}

}  // namespace harness::run
