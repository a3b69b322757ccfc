#include <map>

#include <fmt/format.h>

#include "harness/report/instants.h"
#include "harness/report/report.h"
#include "harness/stats/rate.h"

namespace harness::report {
namespace {

const char* who_acts(check::Verdict verdict) {
  switch (verdict) {
    case check::Verdict::fail:
      return " The product did not do what it must: look at the named check, then at the trial's "
             "folder.";
    case check::Verdict::error:
      return " The harness or the lab could not do its job: this says nothing about the product.";
    case check::Verdict::unproven:
      return " Not enough hits or facts: raise `attempts`, or see why the fault missed.";
    case check::Verdict::pass:
    case check::Verdict::skip:
      return "";
  }
  return "";
}

std::string seconds(const check::TrialVerdict& trial, std::string_view name) {
  const auto known = trial.recovery_s(name);
  return known ? fmt::format("{:.1f} s", *known) : "-";
}

std::string latency(const std::optional<std::int64_t>& us) {
  return us ? fmt::format("{:.1f} ms", static_cast<double>(*us) / 1000) : "-";
}

// From the window's opening.
std::string instant(const std::optional<std::int64_t>& us) {
  return us ? fmt::format("{:+.1f} ms", static_cast<double>(*us) / 1000) : "-";
}

std::string headline(const Model& model) {
  std::map<check::Verdict, int> counts;
  for (const check::CaseVerdict& one : model.cases) {
    ++counts[one.verdict];
  }
  std::string text;
  for (const auto& [verdict, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, check::to_string(verdict));
  }
  return fmt::format("{} case(s): {}", model.cases.size(), text.empty() ? "none" : text);
}

std::string trial_table(const Model& model) {
  std::string out =
      "\n| trial | fault | aimed | landed | effect at (node clock) | hit | marker to action | "
      "action to effect | apiserver recovery | verdict "
      "|\n|---|---|---|---|---|---|---|---|---|---|\n";
  for (const check::CaseVerdict& one : model.cases) {
    for (const check::TrialVerdict& trial : one.trials) {
      out += fmt::format("| {} #{} | {} {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                         table_cell(one.name),
                         trial.trial,
                         table_cell(trial.fault),
                         table_cell(trial.window),
                         instant(trial.planned_us),
                         instant(trial.landed_us),
                         trial.effect_at.empty() ? "-" : table_cell(trial.effect_at),
                         trial.fault == "none" ? "-"
                         : trial.hit           ? "yes"
                                               : "no",
                         latency(trial.marker_to_action_us),
                         latency(trial.action_to_effect_us),
                         seconds(trial, "apiserver-recovers"),
                         check::to_string(trial.verdict));
    }
  }
  return out;
}

std::string replays(const Model& model) {
  std::string out;
  for (const check::CaseVerdict& one : model.cases) {
    for (const check::TrialVerdict& trial : one.trials) {
      if (const std::string text = replay_text(trial); !text.empty()) {
        out +=
            fmt::format("- {} #{} {}\n", table_cell(one.name), trial.trial, table_cell(text, 600));
      }
    }
  }
  return out.empty() ? "" : "\nReplayed:\n\n" + out;
}

std::string instants(const Model& model) {
  const std::vector<Instant> all = instants_of(model.cases);
  std::string out;
  if (!all.empty()) {
    out +=
        fmt::format("\n## Instants\n\n{}\n\n```\n{}```\n", kMapLegend, to_text(instant_maps(all)));
  }
  if (const std::vector<CoverageRow> rows = coverage(model.planned, all); !rows.empty()) {
    out += "\n## Coverage\n\n```\n" + to_text(rows) + "```\n";
  }
  return out;
}

std::string rates(const Model& model) {
  std::string out;
  for (const check::CaseVerdict& one : model.cases) {
    if (const auto rate = stats::rate_worth_showing(one)) {
      out += fmt::format("- {}: {}\n", table_cell(one.name), stats::describe(*rate));
    }
  }
  return out.empty() ? "" : "\nHow often the product failed:\n\n" + out;
}

std::string case_section(const Model& model, const check::CaseVerdict& one) {
  std::string out = fmt::format("\n## {}\n\nExpected {}{}, outcome {}, so {}.{}\n\n",
                                table_cell(one.name),
                                table_cell(one.expect),
                                one.issue.empty() ? "" : " (" + table_cell(one.issue) + ")",
                                check::to_string(one.outcome),
                                check::to_string(one.verdict),
                                who_acts(one.verdict));
  for (const check::TrialVerdict& trial : one.trials) {
    out += fmt::format("- trial {} {}: {}\n",
                       trial.trial,
                       check::to_string(trial.verdict),
                       table_cell(trial.reason, 600));
    for (const check::CompanionVerdict& more : trial.companions) {
      out += fmt::format("  - with {} in {} {} on {}: {}{}{}\n",
                         table_cell(more.fault),
                         table_cell(more.window),
                         table_cell(more.aim),
                         table_cell(more.target),
                         more.hit ? "hit: " : "missed: ",
                         table_cell(more.hit_reason, 600),
                         replay_text(more));
    }
    for (const check::CheckResult& result : trial.checks) {
      if (result.verdict != check::Verdict::pass) {
        out += fmt::format("  - {} {}: {}\n",
                           table_cell(result.name),
                           check::to_string(result.verdict),
                           table_cell(result.reason, 600));
      }
    }
    if (const std::string again = replay_command(model, one.name, trial);
        !again.empty() && trial.verdict == check::Verdict::fail) {
      out += fmt::format("  - again, this trial alone: `{}`\n", table_cell(again, 600));
    }
  }
  return out + fmt::format("\nAgain: `{}`\n", table_cell(repeat_command(model, one.name), 600));
}

}  // namespace

std::string to_markdown(const Model& model) {
  std::string out = fmt::format("# {}: {}\n\n{}. {} on cluster {}, seed {}, {} to {}.\n",
                                table_cell(model.run),
                                check::to_string(model.verdict()),
                                headline(model),
                                table_cell(model.tool),
                                table_cell(model.cluster),
                                model.seed,
                                table_cell(model.started),
                                table_cell(model.finished));
  if (model.standin) {
    out += fmt::format("\n**{}**\n", kStandInNote);
  }
  for (const std::string& dirty : model.dirty) {
    out += fmt::format("\n**Not healed: {}**. `hookshot heal` undoes and verifies.\n",
                       table_cell(dirty, 600));
  }
  out += "\n| case | verdict | why |\n|---|---|---|\n";
  for (const check::CaseVerdict& one : model.cases) {
    out += fmt::format("| {} | {} | {} |\n",
                       table_cell(one.name),
                       check::to_string(one.verdict),
                       table_cell(one.reason));
  }
  out += rates(model) + trial_table(model) + replays(model) + instants(model);
  for (const check::CaseVerdict& one : model.cases) {
    if (one.outcome != check::Verdict::pass || one.verdict != check::Verdict::pass) {
      out += case_section(model, one);
    }
  }
  return out;
}

}  // namespace harness::report
