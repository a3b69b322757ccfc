#include "harness/run/learning.h"

#include <optional>

#include <fmt/format.h>

#include "harness/event/slices.h"
#include "harness/fault/fault.h"
#include "harness/run/judgement.h"

namespace harness::run {

namespace {

bool went(const check::TrialVerdict& trial, Learn from) {
  return trial.verdict == check::Verdict::pass ||
         (trial.verdict == check::Verdict::fail && from == Learn::failing_too);
}

// Of a trial in which nothing else was done; nothing: it is no such trial.
std::optional<aim::Stretch> stretch_of(const check::TrialVerdict& trial) {
  const auto known = fault::registry().find(trial.fault);
  if (known == fault::registry().end() || !known->second.stretches || !trial.companions.empty() ||
      !trial.seen_on.empty() || trial.offset == "sweep" || !trial.replays.empty()) {
    return std::nullopt;
  }
  fault::Params params;
  for (const auto& [key, value] : trial.params.items()) {
    params[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  const auto made = fault::make_fault(trial.fault, params);
  return made ? std::optional(aim::Stretch{
                    .fault = made->describe(), .window = trial.window, .offset = trial.offset})
              : std::nullopt;
}

std::string why_not(const check::TrialVerdict& trial, bool alone) {
  if (trial.fault != "none" && !alone) {
    return "it had a fault";
  }
  if (trial.fault != "none" && !(trial.hit && trial.stretched)) {
    return "what stretches did not hit: " + trial.hit_reason;
  }
  return trial.reason + (trial.verdict == check::Verdict::fail
                             ? " (--failed learns from a start that failed a check, too)"
                             : "");
}

}  // namespace

Result<Learning> learn(const RunFolder& folder, aim::Lengths& lengths, Learn from) {
  TRY_ASSIGN(const report::Model model, judge(folder), "judge");
  TRY_ASSIGN(const event::EventFile file, event::EventFile::open(folder.events()), "");
  Learning out;
  for (const check::CaseVerdict& one : model.cases) {
    for (const check::TrialVerdict& trial : one.trials) {
      const bool natural = trial.fault == "none";
      const auto stretch = natural ? aim::Stretch() : stretch_of(trial);
      if (!stretch || !went(trial, from) || (!natural && !(trial.hit && trial.stretched))) {
        ++out.left_out;
        out.why_not =
            fmt::format("{} #{}: {}", one.name, trial.trial, why_not(trial, stretch.has_value()));
        continue;
      }
      if (lengths.has(folder.name(), one.name, trial.trial)) {
        ++out.known;
        continue;
      }
      TRY_ASSIGN(const std::vector<Json> events, file.read(one.name, trial.trial), "events");
      for (const auto& [node, samples] : aim::samples_of(events)) {
        if (samples.empty() || (!natural && node != trial.target)) {
          continue;
        }
        ++out.starts;
        lengths.note(folder.name(), one.name, trial.trial);
        for (const aim::Sample& sample : samples) {
          lengths.add({node, trial.from, trial.to, trial.by_reboot, *stretch}, sample);
        }
      }
    }
  }
  return out;
}

}  // namespace harness::run
