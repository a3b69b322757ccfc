// A run's verdicts, rendered. Only from values: the model is what verdict.json holds, the events
// are the run's own.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/judge.h"
#include "harness/report/coverage.h"

namespace harness::report {

struct Model {
  std::string run;          // name of the run folder
  std::string folder = {};  // its path; empty: not known
  std::string tool;
  std::uint64_t seed = 0;
  std::string inventory;  // digest
  std::string cluster;
  std::vector<std::string>
      suites;  // files, as they were given; empty in runs that did not keep them
  std::vector<std::string> again;  // of a run that no suite describes: the command that did it
  std::string inventory_path;
  bool standin = false;  // the lab's stand-in ran as rke2: nothing here is about the product
  std::string started;   // RFC 3339
  std::string finished;
  std::vector<check::CaseVerdict> cases;
  std::vector<PlannedCell> planned;  // of the whole plan, also what was not reached
  int stopped_status = 0;            // of a run that was stopped before its plan was done
  std::vector<std::string> dirty;    // nodes that could not be healed, and why

  check::Verdict verdict() const { return check::worst(cases); }

  Json to_json() const;
  // What to_json wrote; invalid_input names what is wrong.
  static Result<Model> from_json(const Json& json);
};

inline constexpr std::string_view kStandInNote =
    "The lab's stand-in ran as rke2 on these nodes: this is a rehearsal, and says nothing about "
    "the "
    "product.";

// The events of a case's trial, for its timeline.
using TrialEvents = std::function<std::vector<Json>(const std::string& case_name, int trial)>;

enum class Format { json, junit, markdown, html };

std::string render(const Model& model, const TrialEvents& trial_events, Format format);

// verdict.json
std::string to_verdict_json(const Model& model);
// Stable names, no seed, host or time in them; unproven and skip are <skipped>, error is <error>.
std::string to_junit(const Model& model);
// What a terminal or a chat shows: the verdict first, then who must act.
std::string to_markdown(const Model& model);
// One file, no network, no script.
std::string to_html(const Model& model, const TrialEvents& trial_events);

// Text for XML, HTML and terminals: UTF-8 without control characters, at most `limit` bytes.
std::string printable(std::string_view text, std::size_t limit = 4000);
// The same for a table's cell in Markdown: one line, and no markup of its own.
std::string table_cell(std::string_view raw, std::size_t limit = 240);
// As printable, with <, >, & and " as HTML wants them.
std::string escape_html(std::string_view text, std::size_t limit = 600);
// Of a trial that replays another: where both landed and how far apart, as a sentence about it;
// empty for others.
std::string replay_text(const check::TrialVerdict& trial);
// The same of a further fault, as what stands behind its reason.
std::string replay_text(const check::CompanionVerdict& one);
// How to run one case again.
std::string repeat_command(const Model& model, const std::string& case_name);
// How to run one trial of it again, at its own anchors; empty where it was not aimed, or the run is
// none that can be replayed.
std::string replay_command(const Model& model,
                           const std::string& case_name,
                           const check::TrialVerdict& trial);

}  // namespace harness::report
