#include "harness/compare/render.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace harness::compare {
namespace {

using report::table_cell;

Json time_of(double seconds) {
  return std::isfinite(seconds) ? Json(seconds) : Json();
}

Json json_of(const Side& side) {
  Json out = {{"case", side.name},
              {"rate", side.rate.to_json()},
              {"recovery_s", Json::array()},
              {"untimed", side.untimed}};
  for (const double one : side.recovery_s) {
    out["recovery_s"].push_back(time_of(one));
  }
  if (!side.recovery_s.empty()) {
    out["median_recovery_s"] = time_of(stats::median(side.recovery_s));
  }
  return out;
}

Json json_of(const Line& line) {
  Json out = {{"what", line.what},
              {"paired_by", line.by},
              {"stretched", line.stretched},
              {"before", json_of(line.before)},
              {"after", json_of(line.after)},
              {"failures",
               {{"p", line.p_failures},
                {"p_holm", line.p_failures_holm},
                {"difference", line.difference.seen},
                {"interval_95", {line.difference.interval.low, line.difference.interval.high}}}},
              {"recovery",
               {{"p", line.recovery.p},
                {"p_holm", line.p_recovery_holm},
                {"cliffs_delta", line.recovery.delta},
                {"exact", line.recovery.exact}}},
              {"verdict", to_string(line.outcome)},
              {"reason", line.reason}};
  if (line.hits_wanted) {
    out["hits_wanted"] = *line.hits_wanted;
  }
  return out;
}

Json json_of(const report::Model& model) {
  return {{"run", model.run},
          {"tool", model.tool},
          {"cluster", model.cluster},
          {"standin", model.standin},
          {"started", model.started},
          {"finished", model.finished},
          {"stopped_status", model.stopped_status},
          {"dirty", model.dirty}};
}

std::string failed_of(const Side& side) {
  const std::string alone =
      side.rate.alone == 0 ? "" : fmt::format(" (and {} without any fault)", side.rate.alone);
  return fmt::format("{} of {}{}", side.rate.failures, side.rate.hits, alone);
}

std::string paths_of(const Line& line) {
  const NameParts one = parts_of(line.before.name);
  const NameParts two = parts_of(line.after.name);
  if (one.from.empty() || two.from.empty()) {
    return "";
  }
  const std::string first = table_cell(one.from + " to " + one.to);
  const std::string second = table_cell(two.from + " to " + two.to);
  return first == second ? ": " + first : fmt::format(": {}; {}", first, second);
}

std::string median_of(const Side& side) {
  if (side.recovery_s.empty()) {
    return "-";
  }
  const double median = stats::median(side.recovery_s);
  return std::isfinite(median) ? fmt::format("{:.1f} s", median) : "never";
}

std::string p_of(double p) {
  return p < 0.001 ? "below 0.001" : fmt::format("{:.3f}", p);
}

std::string describe(const report::Model& model, const char* which) {
  return fmt::format("- {} run: `{}`, {} on cluster {}, {} to {}\n",
                     which,
                     table_cell(model.run),
                     table_cell(model.tool),
                     table_cell(model.cluster),
                     table_cell(model.started),
                     table_cell(model.finished));
}

std::string notes_of(const Comparison& comparison,
                     const report::Model& before,
                     const report::Model& after) {
  std::string out;
  if (before.standin || after.standin) {
    out += fmt::format("- {}\n", report::kStandInNote);
  }
  if (before.cluster != after.cluster) {
    out +=
        "- The runs were made on different clusters; their recovery times are those of "
        "different machines.\n";
  }
  if (before.tool != after.tool) {
    out += "- The runs were made by different versions of hookshot.\n";
  }
  for (const report::Model* model : {&before, &after}) {
    if (model->stopped_status != 0) {
      out += fmt::format("- `{}` was stopped before its plan was done (exit status {}).\n",
                         table_cell(model->run),
                         model->stopped_status);
    }
  }
  if (std::ranges::any_of(comparison.lines, &Line::stretched)) {
    out +=
        "- Hits whose window the fault stretched are lines of their own: they are never "
        "counted with natural ones.\n";
  }
  return out;
}

std::string alone_of(const Comparison& comparison) {
  std::string out;
  for (const Unpaired& one : comparison.unpaired) {
    out += fmt::format("- {} run{}: {}: {}\n",
                       one.in_after ? "second" : "first",
                       one.failed ? ", failed" : "",
                       table_cell(one.name),
                       table_cell(one.reason, 600));
  }
  return out.empty() ? "" : "\nNot compared:\n\n" + out;
}

}  // namespace

std::string table_of(const Comparison& comparison) {
  std::string out =
      "| case | verdict | failed before | failed after | difference (95 %) | p | recovery before | "
      "recovery after | Cliff's delta | p | why |\n|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const Line& line : comparison.lines) {
    out += fmt::format(
        "| {}{}{} | {} | {} | {} | {:+.0f} ({:+.0f} to {:+.0f}) points | {} | {} "
        "| {} | {:+.2f} | {} | {} |\n",
        table_cell(line.what),
        line.stretched ? ", stretched" : "",
        paths_of(line),
        to_string(line.outcome),
        failed_of(line.before),
        failed_of(line.after),
        100 * line.difference.seen,
        100 * line.difference.interval.low,
        100 * line.difference.interval.high,
        p_of(line.p_failures_holm),
        median_of(line.before),
        median_of(line.after),
        line.recovery.delta,
        p_of(line.p_recovery_holm),
        table_cell(line.reason, 600));
  }
  return out;
}

std::string to_markdown(const Comparison& comparison,
                        const report::Model& before,
                        const report::Model& after) {
  std::string out = fmt::format("# {}\n\n{}.\n\n{}{}\n",
                                to_string(comparison.outcome),
                                comparison.reason,
                                describe(before, "first"),
                                describe(after, "second"));
  if (!comparison.lines.empty()) {
    out += table_of(comparison);
    out += fmt::format(
        "\nOnly hits count. p: Fisher's exact test of the failures and Mann and Whitney's of the "
        "recovery times, two-sided, corrected by Holm over all {} test(s) together. Recovery: the "
        "median "
        "until everything that the checks time was back; a failed trial never came back. Cliff's "
        "delta: +1 when every recovery of the second run is the longer.\n",
        comparison.tests);
  }
  out += alone_of(comparison);
  const std::string notes = notes_of(comparison, before, after);
  return out + (notes.empty() ? "" : "\nKeep in mind:\n\n" + notes);
}

Json Comparison::to_json() const {
  Json out = {{"verdict", to_string(outcome)},
              {"reason", reason},
              {"exit_status", exit_status(outcome)},
              {"level", kLevel},
              {"tests", tests},
              {"pairs", Json::array()},
              {"unpaired", Json::array()}};
  for (const Line& line : lines) {
    out["pairs"].push_back(json_of(line));
  }
  for (const Unpaired& one : unpaired) {
    out["unpaired"].push_back({{"case", one.name},
                               {"run", one.in_after ? "after" : "before"},
                               {"reason", one.reason},
                               {"failed", one.failed}});
  }
  return out;
}

Json to_json(const Comparison& comparison,
             const report::Model& before,
             const report::Model& after) {
  Json out = comparison.to_json();
  out["before"] = json_of(before);
  out["after"] = json_of(after);
  return out;
}

}  // namespace harness::compare
