#include <fmt/format.h>

#include "harness/report/report.h"

namespace harness::report {
namespace {

const char* who_acts(check::Verdict verdict) {
  switch (verdict) {
    case check::Verdict::fail:
      return "The product did not do what it must: look at the named check, then at the trial's "
             "folder.";
    case check::Verdict::error:
      return "The harness or the lab could not do its job: this says nothing about the product.";
    case check::Verdict::unproven:
      return "Not enough hits or facts: raise `attempts`, or see why the fault missed.";
    case check::Verdict::pass:
    case check::Verdict::skip:
      return "";
  }
  return "";
}

std::string cell(std::string text) {
  for (char& c : text) {
    c = c == '|' || c == '\n' || c == '\r' ? ' ' : c;
  }
  return text.size() > 240 ? text.substr(0, 237) + "..." : text;
}

std::string seconds(const check::TrialVerdict& trial, std::string_view name) {
  for (const check::CheckResult& result : trial.checks) {
    if (result.name == name && result.recovery_s) {
      return fmt::format("{:.1f} s", *result.recovery_s);
    }
  }
  return "-";
}

std::string latency(const std::optional<std::int64_t>& us) {
  return us ? fmt::format("{:.1f} ms", static_cast<double>(*us) / 1000) : "-";
}

}  // namespace

std::string to_markdown(const Model& model) {
  std::string out = fmt::format("# {}: {}\n\n{} on cluster {}, seed {}, {} to {}.\n",
                                model.run,
                                check::to_string(model.verdict()),
                                model.tool,
                                model.cluster,
                                model.seed,
                                model.started,
                                model.finished);
  for (const std::string& dirty : model.dirty) {
    out += fmt::format("\n**Not healed: {}**\n", dirty);
  }
  out += "\n| case | verdict | why |\n|---|---|---|\n";
  for (const check::CaseVerdict& one : model.cases) {
    out += fmt::format(
        "| {} | {} | {} |\n", cell(one.name), check::to_string(one.verdict), cell(one.reason));
  }
  out +=
      "\n| trial | fault | effect at (node clock) | hit | marker to action | action to effect | "
      "apiserver recovery | verdict |\n|---|---|---|---|---|---|---|---|\n";
  for (const check::CaseVerdict& one : model.cases) {
    for (const check::TrialVerdict& trial : one.trials) {
      out += fmt::format("| {} #{} | {} {} | {} | {} | {} | {} | {} | {} |\n",
                         cell(one.name),
                         trial.trial,
                         trial.fault,
                         trial.window,
                         trial.effect_at.empty() ? "-" : trial.effect_at,
                         trial.hit ? "yes" : "no",
                         latency(trial.marker_to_action_us),
                         latency(trial.action_to_effect_us),
                         seconds(trial, "apiserver-recovers"),
                         check::to_string(trial.verdict));
    }
  }
  for (const check::CaseVerdict& one : model.cases) {
    if (one.outcome == check::Verdict::pass && one.verdict == check::Verdict::pass) {
      continue;
    }
    out += fmt::format("\n## {}\n\nExpected {}, outcome {}. {}\n\n",
                       one.name,
                       one.expect,
                       check::to_string(one.outcome),
                       one.verdict == check::Verdict::pass ? "" : who_acts(one.verdict));
    for (const check::TrialVerdict& trial : one.trials) {
      for (const check::CheckResult& result : trial.checks) {
        if (result.verdict != check::Verdict::pass) {
          out += fmt::format("- trial {}: {} {}: {}\n",
                             trial.trial,
                             result.name,
                             check::to_string(result.verdict),
                             printable(result.reason, 600));
        }
      }
    }
  }
  return out;
}

}  // namespace harness::report
